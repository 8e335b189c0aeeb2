## Getting MinID and the MinID app in one go
app-have-code = I have an activation code
app-back = Back to the MinID app
activate-app-own = Choose a phone or computer that is your own and that you lock yourself. Do not use one that you share with others.
activate-app-here = Use this device as MinID app
activate-app-elsewhere = Show a QR code for another device
activate-app-until = You can do it here until { $time }. After that you add the app from your profile page.
activate-app-done = The MinID app is added. You approve in the app the next time you log in.
problem-activate-app-over = It is too late to add the app here. Log in and do it from your profile page.
activate-owner = MinID belongs to { $name }.
activate-owner-number = MinID belongs to the national identity number that ends in { $digits }.
