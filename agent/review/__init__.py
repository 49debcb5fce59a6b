"""The review room: an analyst confirms, corrects, strikes and signs; everything that they do is an event in a chain.

    Store (SQLite)   reviews, their drafts as blobs, append-only events in a hash chain
    fold             a draft and its events give the state of the review and the reviewed draft, scored anew
    Service          what a page, the JSON twin and the command line ask for
    web              the local app

The reviewed draft is computed from events, never stored over.
"""
