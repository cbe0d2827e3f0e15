-- A school may move within one MIS: from an instance of its own to its trust's. All ids change, and no partner says so.

alter table ops.source drop constraint source_school_id_partner_partner_school_id_mis_key;
alter table ops.source add column ended_at timestamptz;
comment on column ops.source.ended_at is 'When an operator said that its ids are no longer given, because the school has moved within its MIS; null while the school may come back to it.';
create unique index source_in_use on ops.source (school_id, partner, partner_school_id, mis) nulls not distinct
where ended_at is null;
