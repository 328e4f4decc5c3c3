-- What the tests of drivers expect of a server: the users that postgres.go names, and two databases.
create database pqgo;
create database pgx_test;
create role pqgo superuser login;
create role pqgossl login;
create role pqgosslcert login;
create role pqgopassword login password 'wordpass';
create role pqgoscram login password 'wordpass';
create role pgx_pw superuser login password 'secret';
create role pgx_scram superuser login password 'secret';
create role " tricky, ' } "" \ test user " superuser;
set password_encryption = md5;
create role pqgomd5 login password 'wordpass';
create role pgx_md5 superuser login password 'secret';
\connect pgx_test
create extension hstore;
create extension ltree;
create domain uint64 as numeric(20, 0);
