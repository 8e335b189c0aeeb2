## Forgotten password: the MinID app instead of both codes
recover-by-app = Har du MinID-appen? Då kan du godkjenne i han i staden for å skrive inn kodar.
recover-app-go = Godkjenn i MinID-appen
recover-app-sent = Er MinID-appen sett opp for dette fødselsnummeret, har vi sendt eit varsel til han. Du kan òg opne appen sjølv.
recover-app-nothing = Kjem det ikkje noko i appen? Då kan du få ein kode på SMS og ein på e-post i staden.
notice-recover-app-again = Du har fått eit nytt tal. Er appen sett opp for dette fødselsnummeret, har vi òg sendt eit nytt varsel.
problem-recover-app-too-late = Tida gjekk ut før vi fekk svar frå appen. Send eit nytt varsel, eller få kodar på SMS og e-post i staden.

## What the app shows, and signs
app-says-new-password = Nokon ber om å få velje eit nytt passord til MinID-en din. Dette er ikkje ei innlogging. Godkjenn berre dersom det er du som har gløymt passordet.
device-password-push = Nokon ber om nytt passord til MinID-en din.
device-password-title = Er det du som ber om nytt passord?
device-password-number = Talet på sida der du bad om nytt passord
device-password-number-wrong = Det er ikkje talet som står på sida der du bad om nytt passord. Sjå etter, og prøv igjen.
device-password-gone = Det er for seint å svare. Har du gløymt passordet, må du be om nytt ein gong til.
device-password-declined-how = Du har avslått, og passordet er ikkje endra. Var det du som bad om nytt passord?
device-password-said-approved = Godkjent. Gå tilbake til sida der du bad om nytt passord.
device-password-said-declined = Avslått. Passordet er ikkje endra.
device-password-said-not-me = Ingen har fått endra passordet, og du treng ikkje gjere noko. Det går minst eit kvarter før vi spør om nytt passord igjen.

## What the owner of a MinID is told
tell-new-password-quiet = MinID-appen din fekk tre spørsmål om nytt passord som vart avslåtte. Passordet er ikkje endra, og vi spør ikkje på nytt før om eit kvarter.
tell-not-my-new-password = MinID: I appen er det svart at det ikkje var du som bad om nytt passord. Passordet er ikkje endra, og appen verkar som før.
event-new-password-declined = Førespurnad om nytt passord avslått i MinID-appen
