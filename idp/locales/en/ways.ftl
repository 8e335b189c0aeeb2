## Ways to log in that end, and better ones
retires-app = From { $date } you can no longer log in with the MinID app. Before that, set up another login method on your profile page.
retires-passkey = From { $date } you can no longer log in with a passkey. Before that, set up another login method on your profile page.
retires-totp = From { $date } you can no longer log in with a code app. Before that, set up another login method on your profile page.
retires-recovery = From { $date } you can no longer log in with recovery codes. Before that, set up another login method on your profile page.
set-up-why-app = The MinID app can no longer be used to log in. It takes a couple of minutes to set up something else, and then you are in.
set-up-why-passkey = Passkeys can no longer be used to log in. It takes a couple of minutes to set up something else, and then you are in.
set-up-why-totp = Code apps can no longer be used to log in. It takes a couple of minutes to set up something else, and then you are in.
set-up-why-recovery = Recovery codes can no longer be used to log in. It takes a couple of minutes to set up something else, and then you are in.
set-up-app-about = Approve in an app on your phone or computer
set-up-offer-title = Set up a better login method
set-up-offer-why = We know who you are. Choose what you want to set up, and then you go on to the service. It takes a couple of minutes. If it does not suit you now, you can skip it.
nudge-set-up = I do not want to wait for a text message next time. Show me how, once the code is confirmed.
nudge-use = You have set up something that is safer than a code by text message, and you need not wait for it.
nudge-use-go = Use that instead

# The MinID app
device-typed-title = Do you have a QR code?
device-typed-how = Scan the QR code on the page where you set up the app, or type the code that is written below it.
device-typed-label = The code below the QR code
device-typed-hint = 12 letters. Upper or lower case does not matter.
device-typed-go = Use the code
device-typed-wrong = That is not the right code. It has 12 letters and is written below the QR code on the page where you set up the app.
device-scan = Scan with the camera
device-scan-stop = Stop the camera
device-scan-see = The camera is looking for the QR code
device-scan-no = We could not use the camera. Type the code instead.
device-scan-other = That is another QR code. Scan the one on the page where you set up the app.
app-typed = Do you have the MinID app open? Type this code into it:
device-leave-last = The app is the only way you can log in. Set up another login method on your profile page first.
device-leave-sign = We could not confirm that it is you, so the app has not been removed. Try again, or remove it on your profile page.
