## Ordering an activation letter
order-title = Order activation letter
order-about = If you do not have MinID, you can get an activation letter by post. It has a code that you use to get your MinID.
order-where = We send the letter to your address in the National Population Register, and never to another address.
order-have-code-title = Have you received the activation letter?
order-have-code = Enter activation code
order-whose = The order is for the national identity number that ends in { $digits }.
order-mobile-why = We send a code by text message, so that we know that the mobile number is yours.
order-no-mobile = Do you not have a mobile phone? Call user support on 800 30 300 or write to brukerstotte@digdir.no, and we will help you.
order-sms-code = MinID: The code for ordering an activation letter is { $code }. Do not share it with anyone. Did you not ask for it? Then you need not do anything.
order-done-title = Activation letter ordered
order-done-when = If you have an address in the National Population Register, the letter comes by post, usually by { $date }.
order-done-valid = The code in the letter is valid up to and including { $date }. When the letter has arrived, enter the code here:
order-done-not-title = Sometimes no letter comes
order-done-not-twice = If you have ordered a letter in the last 60 days, the code in that letter is valid.
order-done-not-young = If you turn 13 next year or later, you are still too young.
order-done-not-address = If you do not have an address in the National Population Register, we cannot send the letter.
order-done-help = Have you not received the letter by { $date }? Call user support on 800 30 300 or write to brukerstotte@digdir.no.
order-again = Order for somebody else
problem-order-expired = It took too long, so you have to start again. If you did not see “Activation letter ordered”, the letter has not been ordered.
order-too-many-title = We cannot take the order now
order-too-many = Many activation letters have been ordered for the same person, with the same mobile number or from your network, so we have not ordered a letter now. Try again tomorrow, or contact user support on 800 30 300 or brukerstotte@digdir.no.

# What the owner of a MinID is told
tell-letter-refused = MinID: Somebody tried to order an activation letter in your name. We do not send a letter.

# Days
date-weekdays = Monday Tuesday Wednesday Thursday Friday Saturday Sunday
date-months = January February March April May June July August September October November December
date-number = { $day }
