// session.led.
import { bug, equal, local, pending, reaches } from '../checks.mjs'

/** The phone is told to light the LED like this. */
const lights = (act, expected) => pending('device', reaches(act, 'rgb_led_control', ({ message }) =>
  Object.entries(expected).every(([key, value]) => message[key] === value)))

export const led = {
  name: 'session.led',
  types: () => ['app/session/modules/led.d.ts#LedModule'],
  object: x => x.session.led,
  rows: {
    turnOn: lights(x => x.session.led.turnOn({ color: 'green', ontime: 100 }), { action: 'on', color: 'green', ontime: 100 }),
    turnOff: lights(x => x.session.led.turnOff(), { action: 'off' }),
    blink: lights(x => x.session.led.blink('red', 101, 102, 3), { color: 'red', ontime: 101, offtime: 102, count: 3 }),
    solid: lights(x => x.session.led.solid('blue', 103), { color: 'blue', ontime: 103, count: 1 }),
    getCapabilities: bug('led-stub', x => equal(x.session.led.getCapabilities(), [], 'the answer')),
    cleanup: local(x => x.session.led.cleanup()),
  },
}
