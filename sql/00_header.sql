-- segment: customer segmentation inside PostgreSQL
-- complain if the script is sourced in psql rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION segment" to load this file. \quit
