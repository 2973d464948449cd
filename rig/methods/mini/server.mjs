// MiniAppServer: handlers instead of a subclass; the rest is AppServer's.
import { bug, check, equal, local } from '../checks.mjs'
import { server as app } from '../app/server.mjs'

// SDK 2.1.31-beta.5 only.
const { unregisterPhotoRequest: _, ...rows } = app.rows

export const server = {
  ...app,
  name: 'MiniAppServer',
  types: () => ['MiniAppServer.d.ts#MiniAppServer', 'app/server/index.d.ts#AppServer'],
  rows: {
    ...rows,
    onToolCall: bug('tool-handler', async x => {
      const response = await fetch(`http://127.0.0.1:${x.port}/tool`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ toolId: 'add', toolParameters: {}, userId: x.annsAddress, timestamp: new Date() }),
      })
      equal(await response.json(), { status: 'success', reply: null }, 'the answer')
      equal(x.server.calls.tool.entries, [], 'the calls')
    }),
    getActiveSessionById: local(x => {
      check(x.server.getActiveSessionById(x.session.sessionId).session === x.session, 'another session')
    }),
    getActiveSessionForUser: local(x => {
      check(x.server.getActiveSessionForUser(x.annsAddress).session === x.session, 'another session')
    }),
  },
}
