-- The topics that the person chose with the form, with a comma between two of them; NULL where the form did not ask.
ALTER TABLE consents ADD COLUMN topics TEXT;
