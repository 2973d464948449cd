// session.device.state: what the phone reports of the glasses, one observable for each value.
import { check, equal, fires, local } from '../checks.mjs'
import * as phone from '../happenings.mjs'

/** The phone reports it and the observable tells. */
export const observed = (name, value) => fires(
  (x, handler) => x.session.device.state[name].onChange(handler),
  phone.reports({ [name]: value }),
  found => found === value,
)

const state = {
  name: 'session.device.state',
  types: () => ['app/session/device-state.d.ts#DeviceState'],
  object: x => x.session.device?.state,
  rows: {
    connected: observed('connected', true),
    modelName: observed('modelName', 'Simulated Glasses'),
    batteryLevel: observed('batteryLevel', 66),
    charging: observed('charging', true),
    caseBatteryLevel: observed('caseBatteryLevel', 77),
    caseCharging: observed('caseCharging', true),
    caseOpen: observed('caseOpen', true),
    caseRemoved: observed('caseRemoved', true),
    wifiConnected: observed('wifiConnected', true),
    wifiSsid: observed('wifiSsid', 'home'),
    wifiLocalIp: observed('wifiLocalIp', '192.0.2.3'),
    hotspotEnabled: observed('hotspotEnabled', true),
    hotspotSsid: observed('hotspotSsid', 'glasses'),
    getSnapshot: local(x => check('connected' in x.session.device.state.getSnapshot(), 'no state')),
    updateFromMessage: local(x => {
      x.peer.device.state.updateFromMessage({ batteryLevel: 12 })
      equal(x.peer.device.state.getSnapshot().batteryLevel, 12)
    }),
  },
}

/** One of them, with a value that only the test gave it. */
export const observable = {
  name: 'Observable',
  types: () => ['utils/Observable.d.ts#Observable'],
  object: x => x.peer.device?.state?.caseBatteryLevel,
  rows: {
    setValue: local(x => x.peer.device.state.caseBatteryLevel.setValue(21)),
    value: local(x => equal(x.peer.device.state.caseBatteryLevel.value, 21)),
    valueOf: local(x => equal(x.peer.device.state.caseBatteryLevel.valueOf(), 21)),
    toString: local(x => equal(`${x.peer.device.state.caseBatteryLevel}`, '21')),
    onChange: local(x => {
      const values = []
      const off = x.peer.device.state.caseBatteryLevel.onChange(value => values.push(value))
      x.peer.device.state.caseBatteryLevel.setValue(22)
      off()
      x.peer.device.state.caseBatteryLevel.setValue(23)
      equal(values, [21, 22], 'what was told')
    }),
    listenerCount: local(x => equal(x.peer.device.state.caseBatteryLevel.listenerCount, 0)),
  },
}

export const device = [state, observable]
