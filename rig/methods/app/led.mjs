// session.led.
import { bug, equal, local, reaches } from '../checks.mjs'

/** Bob's phone is told to light the LED like this. */
export const lights = (act, expected) => {
  const fits = ({ message }) => Object.entries(expected).every(([key, value]) => message[key] === value)
  return reaches(act, 'rgb_led_control', fits, 'bob')
}

export const led = {
  name: 'session.led',
  types: () => ['app/session/modules/led.d.ts#LedModule'],
  object: x => x.session.led,
  rows: {
    turnOn: lights(x => x.peer.led.turnOn({ color: 'green', ontime: 100 }), { action: 'on', color: 'green', ontime: 100 }),
    turnOff: lights(x => x.peer.led.turnOff(), { action: 'off' }),
    blink: lights(x => x.peer.led.blink('red', 101, 102, 3), { color: 'red', ontime: 101, offtime: 102, count: 3 }),
    solid: lights(x => x.peer.led.solid('blue', 103), { color: 'blue', ontime: 103, count: 1 }),
    getCapabilities: bug('led-stub', x => equal(x.peer.led.getCapabilities(), [], 'the answer')),
    cleanup: local(x => x.peer.led.cleanup()),
  },
}
