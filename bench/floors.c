/*
 * floors.c: what this machine can do at best, for judging how far a figure is
 * from it.  Prints, for one thread and for all of the machine's cores:
 *
 *	 read N		GB/s at which an array far beyond the caches is summed
 *	 multiply N	10^9 multiply-adds a second on doubles in registers; a multiplication and
 *				an addition, not fused, as the extension computes
 *
 *	 cc -O3 -march=native -ffp-contract=off -pthread -o floors floors.c -lm
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BYTES	((size_t) 256 << 20)	/* a thread; far beyond the caches */
#define ROUNDS	INT64_C(40000000)	/* of CHAINS vectors: a fraction of a second */
#define CHAINS	12				/* independent, to hide the latency of both operations */
#define LANES	8
#define TRIES	5				/* the best counts */
#define MAX_THREADS 64

typedef double Lanes __attribute__((vector_size(sizeof(double) * LANES)));

typedef struct Thread
{
	pthread_t	id;
	Lanes	   *array;
	double		began;			/* seconds */
	double		ended;
	Lanes		result;			/* keeps the compiler from leaving the work out */
} Thread;

static pthread_barrier_t barrier;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *
read_array(void *arg)
{
	Thread	   *thread = arg;
	Lanes		sum[4] = {{0}};
	size_t		n = BYTES / sizeof(Lanes);
	size_t		i;

	pthread_barrier_wait(&barrier);
	thread->began = now();
	for (i = 0; i < n; i += 4)
	{
		sum[0] += thread->array[i];
		sum[1] += thread->array[i + 1];
		sum[2] += thread->array[i + 2];
		sum[3] += thread->array[i + 3];
	}
	thread->result = sum[0] + sum[1] + sum[2] + sum[3];
	thread->ended = now();
	return NULL;
}

static void *
multiply(void *arg)
{
	Thread	   *thread = arg;
	Lanes		sum[CHAINS] = {{0}};
	Lanes		factor = thread->array[0];
	int64_t		i;
	int			c;

	pthread_barrier_wait(&barrier);
	thread->began = now();
	for (i = 0; i < ROUNDS / CHAINS; i++)
		for (c = 0; c < CHAINS; c++)
			sum[c] = sum[c] * factor + factor;
	thread->result = sum[0];
	for (c = 1; c < CHAINS; c++)
		thread->result += sum[c];
	thread->ended = now();
	return NULL;
}

/* Seconds that the work takes when all threads do it at once. */
static double
seconds(Thread *threads, int n, void *(*work) (void *))
{
	double		best = HUGE_VAL;
	int			try;
	int			i;

	for (try = 0; try < TRIES; try++)
	{
		double		began = HUGE_VAL;
		double		ended = 0;

		pthread_barrier_init(&barrier, NULL, (unsigned) n);
		for (i = 0; i < n; i++)
			if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0)
				exit(1);
		for (i = 0; i < n; i++)
		{
			pthread_join(threads[i].id, NULL);
			began = fmin(began, threads[i].began);
			ended = fmax(ended, threads[i].ended);
		}
		best = fmin(best, ended - began);
		pthread_barrier_destroy(&barrier);
	}
	return best;
}

int
main(void)
{
	static Thread threads[MAX_THREADS];
	int			cores = (int) sysconf(_SC_NPROCESSORS_ONLN);
	int			i;
	size_t		j;

	if (cores > MAX_THREADS)
		cores = MAX_THREADS;
	for (i = 0; i < cores; i++)
	{
		threads[i].array = aligned_alloc(sizeof(Lanes), BYTES);
		if (threads[i].array == NULL)
			return 1;
		for (j = 0; j < BYTES / sizeof(double); j++)
			((double *) threads[i].array)[j] = 0.5;
	}
	printf("read 1 %.1f\n", BYTES / seconds(threads, 1, read_array) * 1e-9);
	printf("read %d %.1f\n", cores, cores * (double) BYTES / seconds(threads, cores, read_array) * 1e-9);
	printf("multiply 1 %.1f\n", ROUNDS * LANES / seconds(threads, 1, multiply) * 1e-9);
	printf("multiply %d %.1f\n", cores, cores * (double) ROUNDS * LANES / seconds(threads, cores, multiply) * 1e-9);
	return 0;
}
