## Forgotten password: the MinID app instead of both codes
recover-by-app = Har du MinID-appen? Da kan du godkjenne i den i stedet for å skrive inn koder.
recover-app-go = Godkjenn i MinID-appen
recover-app-sent = Er MinID-appen satt opp for dette fødselsnummeret, har vi sendt et varsel til den. Du kan også åpne appen selv.
recover-app-nothing = Kommer det ikke noe i appen? Da kan du få en kode på SMS og en på e-post i stedet.
notice-recover-app-again = Du har fått et nytt tall. Er appen satt opp for dette fødselsnummeret, har vi også sendt et nytt varsel.
problem-recover-app-too-late = Tiden gikk ut før vi fikk svar fra appen. Send et nytt varsel, eller få koder på SMS og e-post i stedet.

## What the app shows, and signs
app-says-new-password = Noen ber om å få velge et nytt passord til MinID-en din. Dette er ikke en innlogging. Godkjenn bare hvis det er du som har glemt passordet.
device-password-push = Noen ber om nytt passord til MinID-en din.
device-password-title = Er det du som ber om nytt passord?
device-password-number = Tallet på siden der du ba om nytt passord
device-password-number-wrong = Det er ikke tallet som står på siden der du ba om nytt passord. Se etter, og prøv igjen.
device-password-gone = Det er for sent å svare. Har du glemt passordet, må du be om nytt en gang til.
device-password-declined-how = Du har avslått, og passordet er ikke endret. Var det du som ba om nytt passord?
device-password-said-approved = Godkjent. Gå tilbake til siden der du ba om nytt passord.
device-password-said-declined = Avslått. Passordet er ikke endret.
device-password-said-not-me = Ingen har fått endret passordet, og du trenger ikke gjøre noe. Det går minst et kvarter før vi spør om nytt passord igjen.

## What the owner of a MinID is told
tell-new-password-quiet = MinID-appen din fikk tre spørsmål om nytt passord som ble avslått. Passordet er ikke endret, og vi spør ikke på nytt før om et kvarter.
tell-not-my-new-password = MinID: I appen er det svart at det ikke var du som ba om nytt passord. Passordet er ikke endret, og appen virker som før.
event-new-password-declined = Forespørsel om nytt passord avslått i MinID-appen
