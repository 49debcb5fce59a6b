"""The review room: an analyst confirms, corrects, strikes and signs; everything that they do is an event in a chain.

    domain    what a review is: a draft and its events give its state and the reviewed draft, scored anew. No database
    store     reviews, their drafts as blobs, append-only events in a hash chain, in one SQLite file
    service   what a page, the JSON twin and the command line ask for
    web       the local app and its server
    demo      a half-reviewed draft for a first look

The reviewed draft is computed from events; it never overwrites the stored draft.
"""
