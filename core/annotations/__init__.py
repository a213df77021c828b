"""What people add to any record: tags, notes, attachments; who sees the record sees them."""
