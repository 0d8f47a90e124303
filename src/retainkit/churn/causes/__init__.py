"""Why customers left: taxonomy, codes, texts, evidence, attribution, breakdown."""
