"""The review room: an analyst confirms, corrects, strikes and signs; each act is stored as an event in a hash chain.

    domain    computes the state of a review, and the rescored draft, from a draft and its events; no database
    store     keeps reviews, their drafts (as blobs) and append-only events (in a hash chain) in one SQLite file
    service   the operations for pages, the JSON API and the command line
    web       the local app and its server
    demo      a half-reviewed draft for a first look

The reviewed draft is computed from events; it never overwrites the stored draft.
"""
