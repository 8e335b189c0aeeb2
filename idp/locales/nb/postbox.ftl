## The digital postbox
postbox-label = Digital postkasse
postbox-change = Vil du bytte eller slette den, gjør du det hos leverandøren.
postbox-choose = Velg digital postkasse
postbox-about = I en digital postkasse får du brev fra det offentlige på nettet i stedet for på papir. Du velger selv hvem du vil ha den hos, og oppretter den der. Du trenger BankID eller en annen elektronisk ID på høyt nivå for å åpne den.
postbox-new-tab = Lenkene åpnes i en ny fane, så du ikke mister innloggingen.
event-by-organisation = Gjort av { $name }
event-postbox-registered = Du har fått digital postkasse hos { $provider }
event-postbox-moved = Den digitale postkassen er flyttet til { $provider }
event-postbox-changed = Adressen til den digitale postkassen hos { $provider } er endret
event-postbox-removed = Den digitale postkassen hos { $provider } er slettet

# What its owner is told
tell-postbox-registered = Du har fått en digital postkasse. Brev fra det offentlige kommer dit nå.
tell-postbox-moved = Den digitale postkassen din er flyttet til en annen leverandør. Brev fra det offentlige kommer dit nå.
