// session.dashboard: what apps write on the dashboard, and the parts that only the system dashboard has.
import { equal, fires, heard, local, reaches } from '../checks.mjs'
import * as phone from '../happenings.mjs'

// The mode is `main` at first; rows that change it stand in their order.

/** The text comes to be seen on the dashboard, which the wearer opens by looking up. */
const onDashboard = (act, text) => reaches(
  async x => {
    await act(x)
    await phone.plays('head up')(x)
  },
  'display',
  event => event.view === 'dashboard' && event.text.includes(text),
)

const content = {
  name: 'session.dashboard.content',
  types: () => ['app/session/dashboard.d.ts#DashboardContentManager'],
  object: x => x.session.dashboard.content,
  rows: {
    write: onDashboard(x => x.session.dashboard.content.write('written', ['main', 'expanded']), 'written'),
    writeToMain: onDashboard(x => x.session.dashboard.content.writeToMain('on main'), 'on main'),
    writeToExpanded: onDashboard(
      x => {
        x.dashboard.dashboard.system.setViewMode('expanded')
        x.session.dashboard.content.writeToExpanded('on expanded')
      },
      'on expanded',
    ),
    async getCurrentMode(x) {
      await x.eventually('the mode', async () => (await x.session.dashboard.content.getCurrentMode()) === 'expanded')
      return 'settled'
    },
    onModeChange: fires(
      (x, handler) => x.session.dashboard.content.onModeChange(handler),
      x => x.dashboard.dashboard.system.setViewMode('main'),
      mode => mode === 'main',
    ),
    setCurrentMode: local(async x => {
      const register = (x, handler) => x.peer.events.onDashboardModeChange(handler)
      equal(await heard(x, register, () => x.peer.dashboard.content.setCurrentMode('none')), { mode: 'none' })
    }),
  },
}

const system = {
  name: 'session.dashboard.system',
  types: () => ['app/session/dashboard.d.ts#DashboardSystemManager'],
  object: x => x.dashboard.dashboard.system,
  rows: {
    setTopLeft: onDashboard(x => x.dashboard.dashboard.system.setTopLeft('top left'), 'top left'),
    setTopRight: onDashboard(x => x.dashboard.dashboard.system.setTopRight('top right'), 'top right'),
    setBottomLeft: onDashboard(x => x.dashboard.dashboard.system.setBottomLeft('bottom left'), 'bottom left'),
    setBottomRight: onDashboard(x => x.dashboard.dashboard.system.setBottomRight('bottom right'), 'bottom right'),
    async setViewMode(x) {
      const register = (x, handler) => x.session.events.onDashboardModeChange(handler)
      await heard(x, register, x => x.dashboard.dashboard.system.setViewMode('expanded'), e => e.mode === 'expanded')
      return 'sent'
    },
  },
}

const manager = {
  name: 'session.dashboard',
  types: () => ['app/session/dashboard.d.ts#DashboardManager'],
  object: x => x.session.dashboard,
  data: ['content', 'system'],
  rows: {},
}

export const dashboard = [manager, content, system]
