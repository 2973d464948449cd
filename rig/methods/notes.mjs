// Why an SDK cannot do something, whatever the server does. They become the notes of docs/compatibility.md.
export const notes = {
  'no-wire-subscribe':
    'The SDK makes its list of subscriptions from the handlers that are registered, so a name given without a handler '
    + 'never leaves it. Register a handler with `on…`; what it returns takes the subscription away.',
  'location-stays':
    'It takes the handler away and leaves `location_stream` in the list, so the phone goes on measuring. '
    + "Call `session.unsubscribe('location_stream')` instead.",
  'always-on':
    'The SDK answers the message with a method that it does not have, catches the error and calls no handler.',
  'empty-domain':
    'It asks for the users with an empty address, which fails before anything is sent, and answers `false`. '
    + 'Use `discoverAppUsers` and look for the user.',
  'instructions':
    'It uses the address of the WebSocket (`ws://…/app-ws`) for an HTTP request, which fails before anything is sent, '
    + 'and answers `null`.',
  'led-stub': 'A stub that answers an empty list for every glasses. Use the `capabilities` of the session.',
  'jwt-on-node':
    'It imports a CommonJS package in a way that only Bun resolves (`jwt.sign is not a function` under Node). '
    + 'Use `jsonwebtoken` yourself.',
  'always-permitted':
    'It begins as `true`, and nothing in the SDK changes it when the app lacks the permission. Use `permissions.has`.',
  'tool-handler':
    'The handler is stored where nothing calls it; `/tool` answers `null`. Override the method in a subclass instead.',
}
