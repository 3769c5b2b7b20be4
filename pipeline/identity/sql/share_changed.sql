{#- The share of the records that have changed. -#}
select
    (select count(*) from _identity_changed)
    / greatest(1, (select count(*) from {{ prints | sql }})) as share
