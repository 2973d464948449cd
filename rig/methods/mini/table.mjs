// The modules of MiniAppServer and MentraSession, and which of them may run at the same time.
import { camera } from './camera.mjs'
import { device, permissions, phoneModules } from './device.mjs'
import { dashboard, display, led } from './display.mjs'
import { location, time } from './location.mjs'
import { server } from './server.mjs'
import { session } from './session.mjs'
import { speaker } from './speaker.mjs'
import { speech } from './speech.mjs'
import { storage } from './storage.mjs'
import { transport } from './transport.mjs'

const [deviceManager] = device
const [speakerManager] = speaker
const [phoneManager] = phoneModules

export const lanes = [
  [server],
  // The display of one wearer is enough for one at a time.
  [session, dashboard, display],
  [permissions], speech, speaker, device, phoneModules, [camera], [led], [location, time], [storage], [transport],
]

// Sessions are ended, then managers are destroyed, then the server goes.
export const ending = [
  session, deviceManager, speakerManager, phoneManager, camera, led, location, dashboard, storage, transport, server,
]
