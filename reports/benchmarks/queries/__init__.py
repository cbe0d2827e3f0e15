"""SQL of the pages of estimates and targets. Every query of pupils or a school's figures goes by school."""
