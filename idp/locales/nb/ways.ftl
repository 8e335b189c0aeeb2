## Ways to log in that end, and better ones
retires-app = Fra { $date } kan du ikke lenger logge inn med MinID-appen. Sett opp en annen innloggingsmetode på profilsiden din før det.
retires-passkey = Fra { $date } kan du ikke lenger logge inn med passnøkkel. Sett opp en annen innloggingsmetode på profilsiden din før det.
retires-totp = Fra { $date } kan du ikke lenger logge inn med kodeapp. Sett opp en annen innloggingsmetode på profilsiden din før det.
retires-recovery = Fra { $date } kan du ikke lenger logge inn med gjenopprettingskoder. Sett opp en annen innloggingsmetode på profilsiden din før det.
set-up-why-app = MinID-appen kan ikke lenger brukes til å logge inn. Det tar et par minutter å sette opp noe annet, og så er du inne.
set-up-why-passkey = Passnøkler kan ikke lenger brukes til å logge inn. Det tar et par minutter å sette opp noe annet, og så er du inne.
set-up-why-totp = Kodeapper kan ikke lenger brukes til å logge inn. Det tar et par minutter å sette opp noe annet, og så er du inne.
set-up-why-recovery = Gjenopprettingskoder kan ikke lenger brukes til å logge inn. Det tar et par minutter å sette opp noe annet, og så er du inne.
set-up-app-about = Godkjenn i en app på telefonen eller maskinen din
set-up-offer-title = Sett opp en bedre måte å logge inn på
set-up-offer-why = Vi vet hvem du er. Velg hva du vil sette opp, så kommer du videre til tjenesten etterpå. Det tar et par minutter. Passer det ikke nå, kan du hoppe over.
nudge-set-up = Jeg vil slippe SMS neste gang. Vis meg hvordan når koden er godkjent.
nudge-use = Du har satt opp noe som er tryggere enn SMS, og som du slipper å vente på.
nudge-use-go = Bruk det i stedet

# The MinID app
device-typed-title = Har du en QR-kode?
device-typed-how = Skann QR-koden på siden der du setter opp appen, eller skriv inn koden som står under den.
device-typed-label = Koden under QR-koden
device-typed-hint = 12 bokstaver. Store eller små spiller ingen rolle.
device-typed-go = Bruk koden
device-typed-wrong = Det er ikke en slik kode. Koden har 12 bokstaver og står under QR-koden på siden der du setter opp appen.
device-scan = Skann med kameraet
device-scan-stop = Stopp kameraet
device-scan-see = Kameraet ser etter QR-koden
device-scan-no = Vi fikk ikke brukt kameraet. Skriv inn koden i stedet.
device-scan-other = Det er en annen QR-kode. Skann den som står på siden der du setter opp appen.
app-typed = Har du MinID-appen åpen? Skriv inn denne koden i den:
device-leave-last = Appen er den eneste måten du kan logge inn på. Sett opp en annen innloggingsmetode på profilsiden din først.
device-leave-sign = Vi fikk ikke bekreftet at det er deg, så appen er ikke fjernet. Prøv igjen, eller fjern den på profilsiden din.
