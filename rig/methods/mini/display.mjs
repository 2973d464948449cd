// session.display, session.dashboard and session.led: what the wearer sees.
import { atEnd, local, reaches, shows } from '../checks.mjs'
import { lights } from '../app/led.mjs'
import { bitmap } from '../bitmap.mjs'
import * as phone from '../happenings.mjs'

const display = {
  name: 'session.display',
  types: () => ['session/managers/DisplayManager.d.ts#DisplayManager'],
  object: x => x.session.display,
  rows: {
    showText: shows(x => x.session.display.showText(['two', 'lines']), 'two\nlines'),
    showTextWall: shows(x => x.session.display.showTextWall('a wall'), 'a wall'),
    showDoubleTextWall: shows(x => x.session.display.showDoubleTextWall('top', 'bottom'), 'top | bottom'),
    showReferenceCard: shows(x => x.session.display.showReferenceCard('title', 'text'), 'title | text'),
    // A card goes to the dashboard, which only the system dashboard may draw on.
    showDashboardCard: shows(x => x.dashboard.display.showDashboardCard('left', 'right'), 'left | right', { view: 'dashboard' }),
    showBitmap: reaches(x => x.session.display.showBitmap(bitmap(8, 8)), 'display', event => event.text === 'picture 8×8'),
    async clear(x) {
      await shows(x => x.session.display.showTextWall('soon gone'), 'soon gone')(x)
      return shows(x => x.session.display.clear(), '')(x)
    },
  },
}

/** Something that fits comes to be seen on the dashboard, which the wearer opens by looking up. */
const onDashboard = (act, fits) => reaches(
  async x => {
    await act(x)
    await phone.plays('head up')(x)
  },
  'display',
  event => event.view === 'dashboard' && fits(event.text),
)

const dashboard = {
  name: 'session.dashboard',
  types: () => ['session/managers/DashboardManager.d.ts#DashboardManager'],
  object: x => x.session.dashboard,
  rows: {
    showText: onDashboard(x => x.session.dashboard.showText(['two', 'lines']), text => text.includes('two\nlines')),
    async clear(x) {
      await onDashboard(x => x.session.dashboard.showText('soon cleared'), text => text.includes('soon cleared'))(x)
      return onDashboard(x => x.session.dashboard.clear(), text => !text.includes('soon cleared'))(x)
    },
    destroy: atEnd(local(x => x.again.dashboard.destroy())),
  },
}

const led = {
  name: 'session.led',
  types: () => ['session/managers/LedManager.d.ts#LedManager'],
  object: x => x.session.led,
  rows: {
    setColor: lights(x => x.peer.led.setColor('green', 100), { action: 'on', color: 'green', ontime: 100 }),
    'setColor(…, options)': lights(
      x => x.peer.led.setColor('red', { onTime: 101, offTime: 102, count: 3 }),
      { color: 'red', ontime: 101, offtime: 102, count: 3 },
    ),
    off: lights(x => x.peer.led.off(), { action: 'off' }),
    destroy: atEnd(local(x => x.again.led.destroy())),
  },
}

export { dashboard, display, led }
