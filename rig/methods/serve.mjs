// An app server on a free port of loopback, with a page that says whom it takes for its user.

/** Gives the port. */
export async function serve(app) {
  if (globalThis.Bun) {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: request => app.fetch(request) })
    app.get('/whoami', c => c.json({ user: c.get('authUserId') ?? null }))
    await app.start()
    return server.port
  }
  const http = app.getExpressApp()
  http.get('/whoami', (request, response) => response.json({ user: request.authUserId ?? null }))
  // The SDK keeps its HTTP server to itself; this is the only way to learn which port it got.
  const { listen } = http
  let server
  http.listen = (port, ...rest) => (server = listen.call(http, port, '127.0.0.1', ...rest))
  await app.start()
  return server.address().port
}
