-- statement: plainForms
-- takes nothing; as rae_api inside the tenant
-- gives nothing of use; from now on the transaction writes times and numbers in one form, whatever its login's settings
-- again safe
-- locks none
-- index none
select set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), set_config('extra_float_digits', '1', true)
