-- All that is stored of some deliveries, as one JSON array: a row for each would cost a switch of threads each.
SELECT json_group_array(
