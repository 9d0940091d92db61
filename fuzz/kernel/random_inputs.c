/*
 * A main() for a fuzz target without a fuzzer: a fixed number of pseudo-random
 * inputs, the same ones every time, as one test.  A target that fails aborts.
 */
#include "bytes.h"

#include "../../test/unit/tap.h"

#define INPUTS		3000
#define MAX_SIZE	2000

int
main(void)
{
	static uint8 input[MAX_SIZE];
	int			i;

	for (i = 0; i < INPUTS; i++)
	{
		size_t		size = random64() % (i % 8 == 0 ? MAX_SIZE : 200);
		size_t		j;

		for (j = 0; j < size; j++)
			input[j] = (uint8) (random64() >> 56);
		LLVMFuzzerTestOneInput(input, size);
	}
	ok(true, "what the fuzz target claims holds for random inputs");
	return done();
}
