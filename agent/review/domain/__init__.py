"""What a review is, without a database, a page or a verb: records in, records out.

records, quotes, items, fields     what a reviewer decides over, and what a correction may carry
facts                              the fact sheet as a reviewer and answers leave it
replay, revise, rescore, fold      a draft and its events give the state of the review
effects                            what an act takes along, what would lower a score, what to decide first
acts, new_threat, response_acts    what is asked for, checked and turned into events-to-be
"""
