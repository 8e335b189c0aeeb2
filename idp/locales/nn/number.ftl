## Another number, as the population register tells

tell-number-told = MinID: Folkeregisteret melder at du har fått nytt fødselsnummer. Bruk det når du loggar inn.
tell-register-wrong = Er det feil? Ring 800 30 300.
