// The modules of AppServer and AppSession, and which of them may run at the same time.
import { audio } from './audio.mjs'
import { camera } from './camera.mjs'
import { dashboard } from './dashboard.mjs'
import { device } from './device.mjs'
import { events } from './events.mjs'
import { layouts } from './layouts.mjs'
import { led } from './led.mjs'
import { location } from './location.mjs'
import { server } from './server.mjs'
import { session } from './session.mjs'
import { settings } from './settings.mjs'
import { storage } from './storage.mjs'

export const lanes = [
  [server],
  // The display of one wearer is enough for one at a time.
  [session, events, ...dashboard, layouts],
  [settings], [location], [camera], [led], audio, [storage], device,
]

export const ending = [camera, events, session, server]
