"""The domain logic of a review: takes and returns records, and does not depend on database, web or command line.

records, quotes, items, fields     what a reviewer decides on, and what a correction may change
facts                              the fact sheet after a reviewer's decisions and answers
replay, revise, rescore, fold      compute the state of the review from a draft and its events
effects                            side effects of an act, ways to lower a score, what to decide first
acts, new_threat, response_acts    check requested actions and turn them into planned events
"""
