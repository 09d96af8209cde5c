-- One row per segment and customer in it: segment_customer_traits under its former name, for one version more.
{{ config(materialized='view', tags=['former_name']) }}
select * from {{ ref('segment_customer_traits') }}
