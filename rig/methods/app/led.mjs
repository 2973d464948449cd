// session.led.
import { bug, equal, local, pending, reaches } from '../checks.mjs'

const lights = act => pending('device', reaches(act, 'rgb_led_control'))

export const led = {
  name: 'session.led',
  types: () => ['app/session/modules/led.d.ts#LedModule'],
  object: x => x.session.led,
  rows: {
    turnOn: lights(x => x.session.led.turnOn({ color: 'green', ontime: 100 })),
    turnOff: lights(x => x.session.led.turnOff()),
    blink: lights(x => x.session.led.blink('red', 100, 100, 2)),
    solid: lights(x => x.session.led.solid('blue', 100)),
    getCapabilities: bug('led-stub', x => equal(x.session.led.getCapabilities(), [], 'the answer')),
    cleanup: local(x => x.session.led.cleanup()),
  },
}
