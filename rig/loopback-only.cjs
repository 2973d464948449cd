// Refuses every connection that would leave this machine. At start the SDK asks its vendor for the newest version, and
// some of its calls ask for permissions; a test must neither wait for that nor depend on it.
//
// http, https, tls, fetch (undici) and ws all end in net.Socket.prototype.connect, so one gate is enough for TCP.
// The rest closes the side doors: names are not looked up, datagrams are not sent, proxies are forgotten.
'use strict'

const dgram = require('node:dgram')
const dns = require('node:dns')
const net = require('node:net')

// A proxy on loopback would be a way out through the gate.
for (const name of Object.keys(process.env)) {
  if (/^(https?|all|npm_config_https?)_proxy$|^npm_config_proxy$/i.test(name)) delete process.env[name]
}

const reported = new Set()

function isLoopback(host) {
  const name = String(host).toLowerCase().replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  const v4 = name.startsWith('::ffff:') ? name.slice('::ffff:'.length) : name
  return net.isIPv4(v4) && v4.startsWith('127.')
}

function refusal(host, port) {
  if (!reported.has(host)) {
    reported.add(host)
    process.stderr.write(`rig: refused a connection to ${host}: only loopback is reachable\n`)
  }
  const error = new Error(`connect ECONNREFUSED ${host}${port === undefined ? '' : `:${port}`} (rig: loopback only)`)
  return Object.assign(error, { code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: host, port })
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  // net.connect() hands over its arguments already normalised, as one array.
  const [options] = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args)
  const host = options.host || 'localhost'
  if (options.path || isLoopback(host)) return connect.apply(this, args)
  this.connecting = true
  process.nextTick(() => this.destroy(refusal(host, options.port)))
  return this
}

const lookup = dns.lookup
dns.lookup = function (host, ...rest) {
  if (!host || net.isIP(host) || isLoopback(host)) return lookup.call(dns, host, ...rest)
  process.nextTick(rest.at(-1), refusal(host))
}

const lookupPromise = dns.promises.lookup
dns.promises.lookup = async function (host, ...rest) {
  if (!host || net.isIP(host) || isLoopback(host)) return lookupPromise.call(dns.promises, host, ...rest)
  throw refusal(host)
}

// Nothing here speaks UDP, and the resolver (dns.resolve*) is the only other user of the network.
dgram.Socket.prototype.send = dgram.Socket.prototype.connect = function () {
  throw refusal('udp')
}
for (const api of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(api)) {
    if (!/^(resolve|reverse)/.test(name)) continue
    api[name] = (host, ...rest) => {
      const done = rest.at(-1)
      if (typeof done === 'function') process.nextTick(done, refusal(host))
      else return Promise.reject(refusal(host))
    }
  }
}

module.exports = { isLoopback, refusal }
