"""What `call`, `answer` and `demo` share.

`options` are the words of the command line, `description` the SDP they write and read, `caller`
and `callee` the two sides of a call, `report` what they tell, `runner` the way in and out.
"""
