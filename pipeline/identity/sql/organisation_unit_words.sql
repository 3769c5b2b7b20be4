{#- The words of which the names of departments consist, each once. -#}
select distinct unnest(string_split(words, ' ')) as word
from _identity_parts
where kind = 'u'
