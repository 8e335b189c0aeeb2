## Ways to log in that end, and better ones
retires-app = Frå { $date } kan du ikkje lenger logge inn med MinID-appen. Set opp ein annan innloggingsmetode på profilsida di før det.
retires-passkey = Frå { $date } kan du ikkje lenger logge inn med passnøkkel. Set opp ein annan innloggingsmetode på profilsida di før det.
retires-totp = Frå { $date } kan du ikkje lenger logge inn med kodeapp. Set opp ein annan innloggingsmetode på profilsida di før det.
retires-recovery = Frå { $date } kan du ikkje lenger logge inn med gjenopprettingskodar. Set opp ein annan innloggingsmetode på profilsida di før det.
set-up-why-app = MinID-appen kan ikkje lenger brukast til å logge inn. Det tek eit par minutt å setje opp noko anna, og så er du inne.
set-up-why-passkey = Passnøklar kan ikkje lenger brukast til å logge inn. Det tek eit par minutt å setje opp noko anna, og så er du inne.
set-up-why-totp = Kodeappar kan ikkje lenger brukast til å logge inn. Det tek eit par minutt å setje opp noko anna, og så er du inne.
set-up-why-recovery = Gjenopprettingskodar kan ikkje lenger brukast til å logge inn. Det tek eit par minutt å setje opp noko anna, og så er du inne.
set-up-app-about = Godkjenn i ein app på telefonen eller maskina di
set-up-offer-title = Set opp ein betre måte å logge inn på
set-up-offer-why = Vi veit kven du er. Vel kva du vil setje opp, så kjem du vidare til tenesta etterpå. Det tek eit par minutt. Passar det ikkje no, kan du hoppe over.
nudge-set-up = Eg vil sleppe SMS neste gong. Vis meg korleis når koden er godkjend.
nudge-use = Du har sett opp noko som er tryggare enn SMS, og som du slepp å vente på.
nudge-use-go = Bruk det i staden

# The MinID app
device-typed-title = Har du ein QR-kode?
device-typed-how = Skann QR-koden på sida der du set opp appen, eller skriv inn koden som står under han.
device-typed-label = Koden under QR-koden
device-typed-hint = 12 bokstavar. Store eller små spelar inga rolle.
device-typed-go = Bruk koden
device-typed-wrong = Det er ikkje ein slik kode. Koden har 12 bokstavar og står under QR-koden på sida der du set opp appen.
device-scan = Skann med kameraet
device-scan-stop = Stopp kameraet
device-scan-see = Kameraet ser etter QR-koden
device-scan-no = Vi fekk ikkje brukt kameraet. Skriv inn koden i staden.
device-scan-other = Det er ein annan QR-kode. Skann den som står på sida der du set opp appen.
app-typed = Har du MinID-appen open? Skriv inn denne koden i han:
device-leave-last = Appen er den einaste måten du kan logge inn på. Set opp ein annan innloggingsmetode på profilsida di først.
device-leave-sign = Vi fekk ikkje stadfesta at det er deg, så appen er ikkje fjerna. Prøv igjen, eller fjern han på profilsida di.
