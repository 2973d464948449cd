// Loaded before everything else (`node --require ./preload.cjs …`), in the main thread and, because workers inherit
// the flag, in the SDK's logging worker too. It changes the world around the SDK so that the SDK itself stays
// untouched: nothing but loopback can be reached, and stdout carries our JSON lines and nothing else.
'use strict'

require('./loopback-only.cjs')
require('./stdout-is-ours.cjs')
