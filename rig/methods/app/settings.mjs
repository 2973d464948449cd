// session.settings: settings of the app, and of the system.
import { check, equal, fires, heard, local, settles } from '../checks.mjs'
import * as phone from '../happenings.mjs'

/** After the phone has changed a setting of the app. */
const changed = (key, value, look) => local(async x => {
  await phone.sets(key, value)(x)
  // It comes over the socket and as a request to the app's server; each time the SDK replaces the whole list.
  await x.eventually('the setting', () => look(x.session.settings))
})

/** After the phone has changed a setting of the system. */
const onSystem = (method, isMetric) => fires(
  (x, handler) => x.session.settings[method]('metricSystemEnabled', handler),
  phone.setsSystem('metric_system_enabled', isMetric),
  ([value]) => value === isMetric,
)

export const settings = {
  name: 'session.settings',
  types: () => ['app/session/settings.d.ts#SettingsManager'],
  object: x => x.session.settings,
  rows: {
    fetch: settles(async x => check(Array.isArray(await x.session.settings.fetch()), 'no list')),
    getAll: changed('list', 6, settings => settings.getAll().some(({ key, value }) => key === 'list' && value === 6)),
    get: changed('value', 7, settings => settings.get('value') === 7 && settings.get('no such', 'default') === 'default'),
    has: changed('there', 8, settings => settings.has('there') && !settings.has('no such')),
    getSetting: changed('object', 9, settings => settings.getSetting('object')?.value === 9),
    onChange: fires(
      (x, handler) => x.session.settings.onChange(handler),
      phone.sets('any', 10),
      changes => changes.any?.newValue === 10,
    ),
    onValueChange: fires(
      (x, handler) => x.session.settings.onValueChange('one', handler),
      phone.sets('one', 11),
      ([value]) => value === 11,
    ),
    // The SDK takes a change of the app's settings for one of the system's, too, until the cloud repeats these.
    getMentraOS: local(async x => {
      await x.eventually('the setting', () => x.session.settings.getMentraOS('metricSystemEnabled') === false)
      equal(x.session.settings.getMentraOS('no such', 'default'), 'default')
    }),
    getMentraosSetting: local(x => x.eventually('the setting', () => x.session.settings.getMentraosSetting('brightness') === 50)),
    onMentraosSettingChange: onSystem('onMentraosSettingChange', true),
    onMentraosSettingsChange: onSystem('onMentraosSettingsChange', false),
    onMentraosChange: onSystem('onMentraosChange', true),

    configureApiClient: local(x => {
      x.session.settings.configureApiClient(x.packageName, x.session.getServerUrl(), x.session.getSessionId())
    }),
    updateSettings: local(x => {
      equal(x.peer.settings.updateSettings([{ key: 'local', value: 1 }]).local, { oldValue: undefined, newValue: 1 })
    }),
    updateMentraosSettings: local(async x => {
      const register = (x, handler) => x.peer.settings.onMentraosSettingChange('localOnly', handler)
      const [value] = await heard(x, register, () => x.peer.settings.updateMentraosSettings({ localOnly: 1 }), undefined, x.peer)
      equal(value, 1)
    }),
  },
}
