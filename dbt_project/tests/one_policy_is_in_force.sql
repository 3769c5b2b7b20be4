-- None would leave every customer without a tier, two would give each of them two.
select count(*) as policies
from {{ ref("core_policy") }}
having count(*) <> 1
