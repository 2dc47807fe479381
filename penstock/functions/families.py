"""Which family module has which functions.  Written by `python -m tests.functions.write_families`."""

from __future__ import annotations

#: module of penstock.functions -> the names and aliases of its rows, separated by blanks
# fmt: off
FAMILIES: dict[str, str] = {
    "aggregates": (
        "count count_if sum try_sum avg mean try_avg min max first first_value last last_value any_value "
        "bool_and every bool_or any some bit_and bit_or bit_xor collect_list array_agg collect_set max_by "
        "min_by"
    ),
    "avro": (
        "from_avro to_avro"
    ),
    "binaries": (
        "base64 unbase64 to_binary try_to_binary unhex"
    ),
    "bitmaps": (
        "bitmap_bucket_number bitmap_bit_position bitmap_count bitmap_construct_agg bitmap_or_agg "
        "bitmap_and_agg"
    ),
    "cardinality": (
        "approx_count_distinct"
    ),
    "codes": (
        "conv mask soundex luhn_check sentences format_string printf is_valid_utf8 make_valid_utf8 "
        "validate_utf8 try_validate_utf8 collate collation"
    ),
    "collections": (
        "array array_repeat sequence getarrayitem get $part_of_null getmapvalue element_at try_element_at "
        "array_contains array_position array_remove array_append array_prepend array_insert array_compact "
        "array_distinct array_union array_intersect array_except arrays_overlap arrays_zip array_join "
        "array_max array_min array_size size cardinality sort_array flatten slice shuffle"
    ),
    "conditional": (
        "when if in isnull isnotnull isnan coalesce nvl ifnull nvl2 nullif nullifzero zeroifnull nanvl "
        "greatest least equal_null"
    ),
    "datetime": (
        "current_date curdate current_timestamp now localtimestamp current_timezone date_add dateadd date_sub "
        "datediff date_diff add_months last_day next_day months_between trunc date_trunc timestampadd "
        "timestampdiff timestamp_seconds timestamp_millis timestamp_micros unix_seconds unix_millis "
        "unix_micros unix_date date_from_unix_date make_date window_time from_utc_timestamp to_utc_timestamp "
        "convert_timezone"
    ),
    "datetime_formats": (
        "to_date try_to_date to_timestamp to_timestamp_ltz to_timestamp_ntz try_to_timestamp date_format "
        "unix_timestamp to_unix_timestamp from_unixtime"
    ),
    "datetime_parts": (
        "year quarter month dayofmonth day dayofyear dayofweek weekday weekofyear $yearofweek $isodow dayname "
        "monthname hour minute second $seconds extract date_part datepart $extract $interval_dt_dayofmonth "
        "$interval_dt_hour $interval_dt_minute $interval_dt_seconds $interval_ym_year $interval_ym_month"
    ),
    "encryption": (
        "aes_encrypt aes_decrypt try_aes_decrypt"
    ),
    "frequent_items": (
        "approx_top_k approx_top_k_accumulate approx_top_k_combine approx_top_k_estimate"
    ),
    "generators": (
        "sql_keywords collations explode explode_outer posexplode posexplode_outer inline inline_outer stack "
        "json_tuple"
    ),
    "geometry": (
        "st_geomfromwkb st_geogfromwkb st_asbinary st_srid st_setsrid"
    ),
    "hashing": (
        "md5 sha1 sha sha2 crc32 hash xxhash64"
    ),
    "higher_order": (
        "transform filter exists forall aggregate reduce zip_with array_sort map_filter transform_values "
        "transform_keys map_zip_with"
    ),
    "histograms": (
        "histogram_numeric product"
    ),
    "interval_arithmetic": (
        "$add_interval $subtract_interval $subtract_dates $subtract_timestamps $interval_plus $interval_minus "
        "$interval_times $interval_divided $calendar_times $calendar_divided"
    ),
    "json": (
        "get_json_object json_array_length json_object_keys to_json"
    ),
    "make_times": (
        "make_timestamp make_timestamp_ltz make_timestamp_ntz try_make_timestamp try_make_timestamp_ltz "
        "try_make_timestamp_ntz make_dt_interval make_ym_interval make_interval try_make_interval"
    ),
    "math": (
        "acos asin atan acosh asinh atanh sin cos tan cot sec csc sinh cosh tanh exp expm1 sqrt cbrt ln log2 "
        "log10 log1p log degrees radians rint signum sign power pow atan2 hypot pi e abs ceil ceiling floor "
        "round bround factorial bin hex bit_count getbit bit_get width_bucket"
    ),
    "misc": (
        "boolean tinyint smallint int bigint float double decimal date timestamp binary string typeof "
        "current_user user session_user current_schema current_database current_catalog version reflect "
        "java_method try_reflect input_file_name input_file_block_start input_file_block_length uuid "
        "monotonically_increasing_id spark_partition_id unwrap_udt $file_metadata $variable $sql_function "
        "$slice raise_error assert_true"
    ),
    "moments": (
        "stddev_samp stddev std stddev_pop var_samp variance var_pop skewness kurtosis corr covar_pop "
        "covar_samp regr_count regr_avgx regr_avgy regr_sxx regr_syy regr_sxy regr_slope regr_intercept "
        "regr_r2"
    ),
    "number_formats": (
        "to_char to_varchar to_number try_to_number"
    ),
    "operators": (
        "+ - * / div % mod pmod negative positive == = <=> < <= > >= between != <> and or not ! & | ^ ~ "
        "shiftleft << shiftright >> shiftrightunsigned >>>"
    ),
    "outside": (
        "schema_of_avro from_protobuf to_protobuf"
    ),
    "parsing": (
        "from_json from_csv from_xml schema_of_json schema_of_csv schema_of_xml"
    ),
    "randoms": (
        "rand random randn uniform randstr $place"
    ),
    "regex": (
        "like ilike $likeany $likeall $notlikeany $notlikeall rlike regexp regexp_like regexp_extract "
        "regexp_extract_all regexp_replace regexp_count regexp_substr regexp_instr split"
    ),
    "sketches": (
        "hll_sketch_agg hll_union_agg hll_sketch_estimate hll_union theta_sketch_agg theta_union_agg "
        "theta_intersection_agg theta_sketch_estimate theta_union theta_intersection theta_difference "
        "kll_sketch_agg_bigint kll_merge_agg_bigint kll_sketch_merge_bigint kll_sketch_get_n_bigint "
        "kll_sketch_to_string_bigint kll_sketch_get_quantile_bigint kll_sketch_get_rank_bigint "
        "kll_sketch_agg_double kll_merge_agg_double kll_sketch_merge_double kll_sketch_get_n_double "
        "kll_sketch_to_string_double kll_sketch_get_quantile_double kll_sketch_get_rank_double "
        "kll_sketch_agg_float kll_merge_agg_float kll_sketch_merge_float kll_sketch_get_n_float "
        "kll_sketch_to_string_float kll_sketch_get_quantile_float kll_sketch_get_rank_float"
    ),
    "statistics": (
        "percentile $percentile_disc median percentile_approx approx_percentile percentile_cont "
        "percentile_disc mode count_min_sketch listagg string_agg"
    ),
    "strings": (
        "upper ucase lower lcase initcap length len char_length character_length octet_length bit_length "
        "reverse ascii chr char space repeat substring substr left right substring_index split_part locate "
        "position instr lpad rpad trim btrim ltrim rtrim concat || concat_ws elt contains startswith endswith "
        "replace translate overlay encode decode $decode levenshtein find_in_set format_number quote"
    ),
    "structs_maps": (
        "struct named_struct $update_fields map map_from_arrays map_from_entries map_keys map_values "
        "map_entries map_contains_key map_concat str_to_map"
    ),
    "time_bucket": (
        "time_bucket"
    ),
    "times": (
        "current_time make_time time_diff time_from_micros time_from_millis time_from_seconds time_to_micros "
        "time_to_millis time_to_seconds time_trunc to_time try_to_time"
    ),
    "try_arithmetic": (
        "try_add try_subtract try_multiply try_divide try_mod $try"
    ),
    "tuple_sketches": (
        "tuple_sketch_agg_double tuple_union_agg_double tuple_intersection_agg_double "
        "tuple_sketch_agg_integer tuple_union_agg_integer tuple_intersection_agg_integer tuple_union_double "
        "tuple_union_theta_double tuple_intersection_double tuple_intersection_theta_double "
        "tuple_difference_double tuple_difference_theta_double tuple_sketch_estimate_double "
        "tuple_sketch_theta_double tuple_sketch_summary_double tuple_union_integer tuple_union_theta_integer "
        "tuple_intersection_integer tuple_intersection_theta_integer tuple_difference_integer "
        "tuple_difference_theta_integer tuple_sketch_estimate_integer tuple_sketch_theta_integer "
        "tuple_sketch_summary_integer"
    ),
    "urls": (
        "url_encode url_decode try_url_decode parse_url try_parse_url"
    ),
    "variants": (
        "parse_json try_parse_json $variant_at $variant_get variant_get try_variant_get is_variant_null "
        "is_valid_variant schema_of_variant schema_of_variant_agg to_variant_object variant_explode "
        "variant_explode_outer"
    ),
    "vectors": (
        "vector_inner_product vector_cosine_similarity vector_l2_distance vector_norm vector_normalize "
        "vector_sum vector_avg"
    ),
    "window": (
        "row_number rank dense_rank percent_rank cume_dist ntile lag lead nth_value"
    ),
    "writing": (
        "to_csv to_xml"
    ),
    "xpaths": (
        "xpath xpath_string xpath_boolean xpath_double xpath_number xpath_float xpath_int xpath_long "
        "xpath_short"
    ),
}
