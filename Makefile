# segment: customer segmentation inside PostgreSQL
#
#   make && sudo make install      build and install for the server of PG_CONFIG
#   make installcheck              regression tests on a running server
#   make demo                      the whole story on one screen, on a server of its own
#   make test                      everything: unit, regress, isolation, TAP, pgTAP, scripts, docs
#   sudo make test-matrix          the same on PostgreSQL 15, 17, 18 and 18 with asserts
#   sudo make test-valgrind        the regression tests on a server under valgrind
#   make test-citus                segmentations on a cluster of Citus, where it is installed
#   sudo make fuzz                 libFuzzer, FUZZ_SECONDS (600) for each of the targets
#
# demo, test and test-matrix install what they need by themselves (make deps), by sudo
# where it takes root and you are not.

EXTENSION = segment
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" segment.control)

MODULE_big = segment
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c)))
SRC_HEADERS = $(wildcard src/*.h src/*/*.h src/*/*/*.h)
# No FMA contraction: the same data give the same answer on every CPU.  Here
# and not in PG_CFLAGS, so that the bitcode for JIT gets it too.
PG_CPPFLAGS += -ffp-contract=off -I$(srcdir)/src
# What the module says of itself where the server asks (18): the version stands once,
# in the control file.
PG_CPPFLAGS += -DSEGMENT_VERSION='"$(EXTVERSION)"'
SHLIB_LINK += -lm

# The install script is the concatenation of its fragments: folders and files in the
# order of their numbers.
SCRIPT = segment--$(EXTVERSION).sql
FRAGMENTS = sql/00_header.sql $(sort $(wildcard sql/[1-9]*/*.sql)) sql/99_grants.sql
DATA_built = $(SCRIPT)
DATA = $(filter-out %/$(SCRIPT),$(wildcard sql/released/*.sql))
EXTRA_CLEAN = segment--*.sql .server build test/output test/modules/*.o test/modules/*.so

# pg_regress takes OUTPUTDIR/sql/NAME.sql before INPUTDIR/sql/NAME.sql, so runs
# write to a folder that holds nothing else.
TEST_DIRS = --inputdir=test --outputdir=test/output --load-extension=segment
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = $(TEST_DIRS)
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = $(TEST_DIRS)

ifndef PG_CONFIG
PG_CONFIG := $(shell scripts/pg-config)
endif
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifeq ($(wildcard $(PGXS)),)
all install installcheck: ; $(error $(PG_CONFIG) has no server build files (PGXS): run "make deps" or set PG_CONFIG)
clean: ; rm -rf $(EXTRA_CLEAN)
else
# Bitcode for JIT needs the very clang and llvm that the server was built for.
# Where one is missing, go without.
server_has = $(shell sed -n 's/^$1 *= *//p' $(dir $(PGXS))../Makefile.global)
ifneq ($(words $(shell command -v $(call server_has,CLANG); test -x $(call server_has,LLVM_BINPATH)/llvm-lto && echo llvm-lto)),2)
override with_llvm = no
endif
include $(PGXS)

# PGXS tracks neither headers nor the server that objects were built for.
$(OBJS) $(OBJS:.o=.bc): $(SRC_HEADERS) .server
src/segment.o src/segment.bc: segment.control

# Modules that tests load, for instance with a kind of models that is not ours.
TEST_MODULES = $(patsubst %.c,%$(DLSUFFIX),$(wildcard test/modules/*.c))
$(TEST_MODULES): $(SRC_HEADERS) .server
installcheck: $(TEST_MODULES)

.server: FORCE
	@$(PG_CONFIG) | cmp -s - $@ || $(PG_CONFIG) > $@

$(SCRIPT): $(FRAGMENTS) segment.control
	cat $(FRAGMENTS) < /dev/null > $@
endif

deps:
	scripts/deps

# scripts/build runs a make of its own, because PGXS may be new since this one
# began.  Variables of the command line (ORDERS=..., KEEP=1) reach the scripts.
demo: deps
	scripts/build
	scripts/demo

test: deps
	scripts/test

unit: deps
	scripts/test unit

test-matrix: deps
	scripts/matrix

test-valgrind:
	scripts/valgrind

test-citus:
	scripts/build
	scripts/test-citus

fuzz:
	scripts/deps fuzz
	fuzz/run

docs: deps
	scripts/build
	scripts/reference

bench:
	scripts/deps bench
	scripts/build
	bench/run
	bench/rules
	bench/overlap
	bench/living
	bench/clustering
	bench/measure

.DEFAULT_GOAL := all
.PHONY: deps demo test unit test-matrix test-valgrind test-citus fuzz docs bench FORCE
