// session.layouts: what is drawn on the display of the simulated glasses.
import { check, reaches, shows } from '../checks.mjs'
import { bitmap } from '../bitmap.mjs'

export const layouts = {
  name: 'session.layouts',
  types: () => ['app/session/layouts.d.ts#LayoutManager'],
  object: x => x.session.layouts,
  rows: {
    showTextWall: shows(x => x.session.layouts.showTextWall('a wall'), 'a wall'),
    showDoubleTextWall: shows(x => x.session.layouts.showDoubleTextWall('top', 'bottom'), 'top | bottom'),
    showReferenceCard: shows(x => x.session.layouts.showReferenceCard('title', 'text'), 'title | text'),
    // The default view of a card is the dashboard, which only the system dashboard may draw on.
    showDashboardCard: shows(x => x.dashboard.layouts.showDashboardCard('left', 'right'), 'left | right', { view: 'dashboard' }),
    'showDashboardCard(…, {view: "main"})': shows(
      x => x.session.layouts.showDashboardCard('main left', 'main right', { view: 'main' }),
      'main left | main right',
    ),
    showBitmapView: reaches(
      x => x.session.layouts.showBitmapView(bitmap(526, 100)),
      'display',
      event => event.text === 'picture 576×135',
    ),
    async showBitmapAnimation(x) {
      const frames = [bitmap(8, 8), bitmap(16, 8)]
      await reaches(
        x => x.keep('animation', x.session.layouts.showBitmapAnimation(frames, 500, true)),
        'display',
        event => event.text === 'picture 8×8',
      )(x)
      const again = x.ann.seen.mark()
      await x.ann.sees(x, 'display', event => event.text === 'picture 16×8', again)
      return 'sent'
    },
    async 'showBitmapAnimation().stop'(x) {
      check(x.animation, 'there is no animation')
      return shows(x => x.animation.stop(), '')(x)
    },
    async clearView(x) {
      await shows(x => x.session.layouts.showTextWall('soon gone'), 'soon gone')(x)
      return shows(x => x.session.layouts.clearView(), '')(x)
    },
  },
}
