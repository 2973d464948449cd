// session.settings: settings of the app, and of the system.
import { check, equal, fires, heard, local, pending, settles } from '../checks.mjs'
import * as phone from '../happenings.mjs'

/** After the phone has changed a setting of the app. */
const changed = (key, value, look) => pending('device', async x => {
  await heard(x, (x, handler) => x.session.settings.onValueChange(key, handler), phone.sets(key, value))
  look(x.session.settings)
  return 'local'
})

/** After the phone has changed a setting of the system. */
const onSystem = (method, isMetric) => pending('device', fires(
  (x, handler) => x.session.settings[method]('metricSystemEnabled', handler),
  phone.setsSystem('metric_system_enabled', isMetric),
  ([value]) => value === isMetric,
))

export const settings = {
  name: 'session.settings',
  types: () => ['app/session/settings.d.ts#SettingsManager'],
  object: x => x.session.settings,
  rows: {
    fetch: settles(async x => check(Array.isArray(await x.session.settings.fetch()), 'no list')),
    getAll: changed('list', 6, settings => check(settings.getAll().some(({ key }) => key === 'list'), 'it is missing')),
    get: changed('value', 7, settings => {
      equal(settings.get('value'), 7)
      equal(settings.get('no such', 'default'), 'default')
    }),
    has: changed('there', 8, settings => equal([settings.has('there'), settings.has('no such')], [true, false])),
    getSetting: changed('object', 9, settings => equal(settings.getSetting('object').value, 9)),
    onChange: pending('device', fires(
      (x, handler) => x.session.settings.onChange(handler),
      phone.sets('any', 10),
      changes => changes.any?.newValue === 10,
    )),
    onValueChange: pending('device', fires(
      (x, handler) => x.session.settings.onValueChange('one', handler),
      phone.sets('one', 11),
      ([value]) => value === 11,
    )),
    getMentraOS: local(x => {
      equal(x.session.settings.getMentraOS('metricSystemEnabled'), false)
      equal(x.session.settings.getMentraOS('no such', 'default'), 'default')
    }),
    getMentraosSetting: local(x => equal(x.session.settings.getMentraosSetting('brightness'), 50)),
    onMentraosSettingChange: onSystem('onMentraosSettingChange', true),
    onMentraosSettingsChange: onSystem('onMentraosSettingsChange', false),
    onMentraosChange: onSystem('onMentraosChange', true),

    configureApiClient: local(x => {
      x.session.settings.configureApiClient(x.packageName, x.session.getServerUrl(), x.session.getSessionId())
    }),
    updateSettings: local(x => {
      equal(x.peer.settings.updateSettings([{ key: 'local', value: 1 }]), { local: { oldValue: undefined, newValue: 1 } })
    }),
    updateMentraosSettings: local(async x => {
      const register = (x, handler) => x.peer.settings.onMentraosSettingChange('localOnly', handler)
      const [value] = await heard(x, register, () => x.peer.settings.updateMentraosSettings({ localOnly: 1 }), undefined, x.peer)
      equal(value, 1)
    }),
  },
}
