## Logging in by e-mail
eid-email = Email
eid-email-about = By a code that we send to your email address
email-login-title = Log in by email
email-login-about = All you need is an email address. The service is told the address, but not who you are.
email-code-title = Enter the code from the email
email-code-sending-to = We send the new code to { $to }.
email-code-not-there = No email yet? Wait a moment, look in your spam folder, and check that the address is right.
email-code-other-address = Use another email address
problem-email-code-digits = The code has 8 digits.
problem-email-code-wrong-last = Wrong code. You have one try left. Check the last email you got.
mail-login-subject = Porten: Code for logging in
mail-login-code = Your code for logging in is { $code }. Enter it on the page where you asked for it.
mail-login-service = It logs you in to { $service }.
mail-login-warning = Do not share it with anyone. If you did not ask for it, you can ignore this email.

## Whoever is logged in without a number has no profile
guest-profile-title = You have no profile here
guest-profile-email = You are logged in by email. The profile is for those who are logged in with a national identity number or D number.
guest-profile-abroad = You are logged in with an electronic ID from another country. The profile is for those who are logged in with a Norwegian national identity number or D number.
guest-profile-how = If you have such a number, you can log in another way. That ends the login you have now.
guest-profile-consents = Do you want to withdraw a consent? Contact the service that you gave it to.
guest-profile-log-in = Log in another way
