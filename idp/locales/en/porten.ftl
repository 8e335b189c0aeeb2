## The frame around every page
skip-link = Skip to main content
language-nav = Language
logging-in-to = You are logging in to { $service }
footer = Porten is the shared login for public services. We never ask for passwords or codes by phone, text message or email.
error-prefix = Error:

## Buttons
next = Next
back = Back
cancel = Cancel
cancel-service = Cancel and go back to { $service }
back-service = Back to { $service }
continue = Continue
continue-service = Continue to { $service }
confirm = Confirm
approve = Approve
decline = Decline
change-method = Change login method
other-eid = Use another electronic ID
other-eid-about = Go back and choose another way to log in

## Choosing the electronic ID
choose-title = Choose login method
eid-minid = MinID
eid-minid-about = National identity number, password and code by text message
eid-testid = TestID
eid-testid-about = For testers: choose a test person, no password

## MinID: identity number and password
password-title = Log in with MinID
fnr-label = National identity number
fnr-hint = 11 digits. You can also use a D number.
password-label = Password
password-show = Show password
password-hide = Hide password
problem-wrong-password = The national identity number or the password is wrong. Check both and try again. If it still does not work, you can call user support on 800 30 300.
problem-fnr-empty = Enter your national identity number.
problem-fnr-digits = The national identity number must have 11 digits.
problem-fnr-invalid = This is not a valid national identity number. Check that you have typed it correctly.
problem-fnr-synthetic = This is a test number (synthetic identity number). It cannot be used here.
problem-fnr-real = This is a test environment. You can only use synthetic identity numbers here.
problem-password-empty = Enter your password.
problem-busy = Many people are logging in right now. Wait a few seconds and press the button again. You have not lost anything.
problem-too-many = There have been too many attempts from your network. Wait a few minutes and try again.

## MinID: the code
code-title = Enter the code from the text message
code-sent = We have sent a one-time code to your mobile phone, { $phone }.
code-sending-to = We will send the new code to your mobile phone, { $phone }.
code-label = One-time code
code-hint = 5 digits
code-until = The code is valid until { $time }.
code-left = Time left:
code-minute-left = You have one minute left to enter the code.
code-no-sms = No text message yet? Wait a little, or ask for a new code.
code-resend = Send a new code
code-extend = Give me more time
problem-code-empty = Enter the code you received by text message.
problem-code-digits = The code should have 5 digits.
problem-code-wrong = Wrong code. Check the latest text message you received, and try again.
problem-code-wrong-last = Wrong code. You have one attempt left. Check the latest text message you received.
problem-code-expired = The code is no longer valid because the time ran out. Ask for a new code.
problem-code-used-up = The code was entered wrong three times. Enter your password again, and you will get a new code.
problem-sms-failed = We could not send a text message right now. You have not lost anything. Wait a little and try again.
problem-sms-too-many = We have sent many codes to this phone number. Wait a while before you ask for a new one.
problem-resend-wait = We have just sent you a code. Wait half a minute before you ask for a new one.
notice-code-sent-again = We have sent you a new code. Use the latest code you received.
notice-more-time = You have been given more time.

## Changing the login method
method-otc = Code by text message
method-otc-about = We send a one-time code to your mobile phone
method-otc-sent = We have sent you a code. Go back and enter it.

## Consent
consent-title = Do you approve this?
consent-intro = The service you are logging in to asks for this:
consent-intro-service = { $service } asks for this:
consent-openid = Your national identity number
consent-profile = The language you have chosen
consent-other = Other information the service needs
consent-pseudonym = A code by which this service recognises you, without your national identity number
consent-details = Access that is described in detail:
consent-free = It is up to you. If you choose “Decline”, we send you back to the service. You will not be logged in there, and we will not share anything.
consent-remembered = We remember your answer until next time. You can withdraw your consent at any time on your profile page in Porten.

## Pages where the way stops
stop-quarantined-title = MinID is paused
stop-quarantined-why = There have been several failed attempts to log in. To protect you, we have paused your MinID for a while.
stop-quarantined-until = You can try again at { $time }.
stop-quarantined-later = You can try again in a while.
stop-quarantined-help = If it was not you who tried to log in, call user support on 800 30 300.
stop-locked-title = MinID is blocked
stop-locked-why = Your MinID is blocked and cannot be used to log in now.
stop-closed-title = MinID is closed
stop-closed-why = Your MinID has been closed and can no longer be used.
stop-no-phone-title = We do not have your mobile phone number
stop-no-phone-why = There is no mobile phone number registered for your MinID, so we cannot send you a code.
stop-support = Call user support on 800 30 300, and we will help you.

## Notices and errors
error-title = An error has occurred
error-request = The service you came from sent something we cannot use. You have not done anything wrong. Go back to the service and try again.
error-server = Something went wrong on our side. Try again shortly.
error-not-found-title = We cannot find the page
error-not-found = The address may be misspelt, or the page has moved. To log in, start from the service you want to use.
error-help = If it happens again, you can call user support on 800 30 300. Give them the trace number below.
expired-title = The login has expired
expired-body = It may have taken too long, or you may have opened the page from a bookmark or a favourite. Start again from the service you want to log in to.
other-browser-title = We do not recognise this browser
other-browser-body = The login may have started in another browser, or your browser blocks cookies. Allow cookies, and start again from the service you want to log in to.
csrf-title = We could not accept what you sent
csrf-body = The page may have been open for too long, or it is open in several tabs. Start the login again.
way-on-service = Go to { $service }
way-on-start = Go to the front page
details-title = Information for user support
details-trace = Trace number
details-error = Error code
details-description = Description

## The citizen's own page
profile-title = Your profile
profile-who = You are logged in as
profile-consents = Your consents
profile-consents-about = You have allowed these services to receive information about you, or to do something on your behalf. If you withdraw a consent, the service no longer has access. It can ask you again the next time you log in.
profile-no-consents = You have no consents at present.
profile-since = since { $date }
profile-withdraw = Withdraw consent
profile-withdrawn = You have withdrawn your consent to { $service }. It was for:
profile-withdrawn-effect = The service no longer has access.

## Logging out
logout-title = Do you want to log out?
logout-body = You will be logged out of Porten and of the services you have used in this login.
logout-yes = Log out
logout-stay = No, stay logged in
logged-out-title = You are logged out
logged-out-body = Do you share this computer with others? Then you should also close the browser.
logged-out-telling = We are telling the services you have used to log you out as well.
logged-out-onwards = Then we will send you on. If nothing happens, press the button.
logged-out-frame = Logging out of { $service }
logged-out-silent-title = Not all the services answered
logged-out-silent-what = You are logged out of Porten, but you may still be logged in here:
logged-out-silent-do = Do you share this computer with others? Close all the windows of your browser, so that nobody else gets in there.

## On the way back to the service
form-post-title = You are almost there
form-post-body = We are sending you back to the service. If nothing happens, press the button.

## The front page
front-title = Welcome to Porten
front-what = Porten is the shared login for public services.
front-how = You do not log in from here. Go to the service you want to use, and choose “Log in” there. The service will send you here when you need to show who you are.

## TestID
testid-title = Log in with TestID
testid-intro = TestID exists only in test environments. Enter the number of a synthetic test person and choose a security level. You do not need a password.
testid-fnr-label = Synthetic identity number
testid-fnr-hint = 11 digits
testid-level = Security level
level-substantial = Substantial
level-high = High
problem-level-empty = Choose a security level.

# The SMS itself
sms-code = Porten: Your one-time code is { $code }. Do not share it with anyone.
