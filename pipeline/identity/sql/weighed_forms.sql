{#- The forms in which a value that is shared by many says nothing. -#}
select * replace ({{ replacements | sql }})
from {{ forms | sql }}
