/*
 * workers.c: parallel workers that share a calculation of the kernel (kernel/team.h).
 *
 * The backend that trains begins with as many workers as max_parallel_maintenance_workers and
 * the size of its points allow, as for building an index.  They come up while
 * it prepares the points; whoever is not there yet is not waited for.
 *
 * A job is handed out through one 64-bit word: its number above, the pieces that
 * are left below.  Who takes one off by compare-and-swap has the piece before last,
 * and the description of the job stays as it is until that piece is reported as
 * done.  Members look out for the next job for a moment, as steps of k-means follow
 * each other within microseconds, and then sleep.
 *
 * Memory that all members see consists of segments of dynamic shared memory: one
 * for each large array, some for all small ones.  A table says where the
 * leader has them, so that a member finds its own address of what the leader
 * points to.
 */
#include "base/workers.h"

#include <unistd.h>
#include <sys/statvfs.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/dsm_impl.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#define SHARED_KEY		UINT64CONST(0x7365676D656E7401)
#define MOST_SEGMENTS	512

/* arrays from this size on have a segment of their own */
#define LARGE_BITS		16
#define LARGE			((Size) 1 << LARGE_BITS)
/* what small ones are cut from */
#define ROOM_SIZE		(1024 * 1024)

/* how often a member looks for the next piece before it sleeps: some ten microseconds */
#define LOOKS			2000

/*
 * nanoseconds that a byte in new shared memory takes in all: to be cleared, mapped, and
 * given back
 */
#define SHARING_COST	0.7

#define LEFT_BITS		32
#define LEFT_MASK		((UINT64CONST(1) << LEFT_BITS) - 1)

/* A segment of shared memory, as the leader sees it. */
typedef struct SharedSegment
{
	dsm_handle	handle;
	char	   *address;
	Size		size;			/* 0: none */
} SharedSegment;

/* Before a small array; members write to neighbouring ones, so each has cache lines of its own. */
typedef union SmallArray
{
	struct
	{
		int			bits;		/* its size is 2^bits */
		union SmallArray *next_free;
	};
	char		line[PG_CACHE_LINE_SIZE];
} SmallArray;

typedef struct TeamShared
{
	pg_atomic_uint64 pieces;	/* number of the job, pieces left */
	char		apart[PG_CACHE_LINE_SIZE];
	pg_atomic_uint32 done;		/* pieces of this job */
	pg_atomic_uint32 joined;	/* workers so far */
	pg_atomic_uint32 finished;
	ConditionVariable work;		/* there are pieces, or it is finished */
	ConditionVariable all_done;
	/* the job, fixed while there are pieces not done */
	SegmentJob	job;
	uint32		n_pieces;
	double		description[SEGMENT_JOB_SIZE / sizeof(double)];
	int			n_segments;
	SharedSegment segment[MOST_SEGMENTS];
} TeamShared;

struct WorkerTeam
{
	SegmentTeam team;			/* first: what the kernel sees */
	ParallelContext *context;
	TeamShared *shared;
	dsm_segment *segment[MOST_SEGMENTS];
	char	   *room;			/* what is left for small arrays */
	Size		room_left;
	SmallArray *free[LARGE_BITS + 1];	/* those given back, by size */
	uint32		number;			/* of the last job */
};

/* ---- pieces ---- */

/* Takes a piece of the present job; false: there is none. */
static bool
take_piece(TeamShared *shared, uint32 *number, int64 *piece)
{
	uint64		pieces = pg_atomic_read_u64(&shared->pieces);

	while ((pieces & LEFT_MASK) > 0)
		if (pg_atomic_compare_exchange_u64(&shared->pieces, &pieces, pieces - 1))
		{
			*number = (uint32) (pieces >> LEFT_BITS);
			*piece = (int64) shared->n_pieces - (int64) (pieces & LEFT_MASK);
			return true;
		}
	return false;
}

static bool
pieces_left(TeamShared *shared)
{
	return (pg_atomic_read_u64(&shared->pieces) & LEFT_MASK) > 0;
}

/* ---- the leader ---- */

/* Waits until the others have done their pieces. */
static void
wait_for_others(TeamShared *shared, uint32 n_pieces)
{
	int			look;

	for (look = 0; look < LOOKS; look++)
	{
		if (pg_atomic_read_u32(&shared->done) == n_pieces)
		{
			pg_memory_barrier();
			return;
		}
		SPIN_DELAY();
	}
	ConditionVariablePrepareToSleep(&shared->all_done);
	while (pg_atomic_read_u32(&shared->done) < n_pieces)
		ConditionVariableSleep(&shared->all_done, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	pg_memory_barrier();
}

static SegmentStatus
run(SegmentTeam *team, SegmentJob job, const void *description, int64 n_pieces,
	SegmentInterrupted interrupted)
{
	WorkerTeam *workers = (WorkerTeam *) team;
	TeamShared *shared = workers->shared;
	const SegmentJobKind *kind = segment_job_kind(job);
	uint32		number;
	int64		piece;

	Assert(n_pieces <= (int64) LEFT_MASK);
	memcpy(shared->description, description, kind->size);
	shared->job = job;
	shared->n_pieces = (uint32) n_pieces;
	pg_atomic_write_u32(&shared->done, 0);
	pg_memory_barrier();
	pg_atomic_write_u64(&shared->pieces,
						((uint64) ++workers->number << LEFT_BITS) | (uint64) n_pieces);
	ConditionVariableBroadcast(&shared->work);
	while (take_piece(shared, &number, &piece))
	{
		kind->piece((void *) description, 0, piece);
		pg_atomic_fetch_add_u32(&shared->done, 1);
		if (interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
	}
	wait_for_others(shared, (uint32) n_pieces);
	return SEGMENT_DONE;
}

/* ---- a worker ---- */

/* What a worker has of the shared memory. */
typedef struct Worker
{
	TeamShared *shared;
	int			member;
	uint32		number;			/* the job that description is of */
	double		description[SEGMENT_JOB_SIZE / sizeof(double)];
	dsm_handle	handle[MOST_SEGMENTS];
	dsm_segment *segment[MOST_SEGMENTS];
} Worker;

/* The worker's own address of what the leader points to. */
static void *
own_address(Worker *worker, char *address)
{
	TeamShared *shared = worker->shared;
	int			i;

	for (i = 0; i < shared->n_segments; i++)
	{
		SharedSegment *segment = &shared->segment[i];

		if (segment->size == 0 || address < segment->address ||
			address >= segment->address + segment->size)
			continue;
		if (worker->segment[i] != NULL && worker->handle[i] != segment->handle)
		{
			dsm_detach(worker->segment[i]);
			worker->segment[i] = NULL;
		}
		if (worker->segment[i] == NULL)
		{
			worker->segment[i] = dsm_attach(segment->handle);
			if (worker->segment[i] == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("could not map a segment of shared memory for clustering"),
						 errhint("Its leader has ended. Train again, or set max_parallel_maintenance_workers to 0.")));
			worker->handle[i] = segment->handle;
		}
		return (char *) dsm_segment_address(worker->segment[i]) + (address - segment->address);
	}
	/* a kernel that was not given shared memory */
	elog(ERROR, "an array for clustering is not in shared memory");
	return NULL;				/* keep compiler quiet */
}

/* The description of the present job, with addresses of this worker. */
static void
read_description(Worker *worker, uint32 number)
{
	const SegmentJobKind *kind = segment_job_kind(worker->shared->job);
	int			i;

	memcpy(worker->description, worker->shared->description, kind->size);
	for (i = 0; i < kind->n_pointers; i++)
	{
		char	  **pointer = (char **) ((char *) worker->description + kind->pointers[i]);

		if (*pointer != NULL)
			*pointer = own_address(worker, *pointer);
	}
	worker->number = number;
}

static void
work_on(Worker *worker, uint32 number, int64 piece)
{
	TeamShared *shared = worker->shared;
	uint32		n_pieces = shared->n_pieces;

	if (number != worker->number)
		read_description(worker, number);
	segment_job_kind(shared->job)->piece(worker->description, worker->member, piece);
	if (pg_atomic_add_fetch_u32(&shared->done, 1) == n_pieces)
		ConditionVariableSignal(&shared->all_done);
}

static bool
is_finished(TeamShared *shared)
{
	return pg_atomic_read_u32(&shared->finished) != 0;
}

static void
wait_for_work(TeamShared *shared)
{
	int			look;

	for (look = 0; look < LOOKS; look++)
	{
		if (pieces_left(shared) || is_finished(shared))
			return;
		SPIN_DELAY();
	}
	ConditionVariablePrepareToSleep(&shared->work);
	while (!pieces_left(shared) && !is_finished(shared))
		ConditionVariableSleep(&shared->work, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

extern PGDLLEXPORT void segment_worker_main(dsm_segment *segment, shm_toc *toc);

void
segment_worker_main(dsm_segment *segment, shm_toc *toc)
{
	Worker	   *worker = palloc0(sizeof(Worker));
	uint32		number;
	int64		piece;
	int			i;

	worker->shared = shm_toc_lookup(toc, SHARED_KEY, false);
	worker->member = (int) pg_atomic_add_fetch_u32(&worker->shared->joined, 1);
	while (!is_finished(worker->shared))
	{
		CHECK_FOR_INTERRUPTS();
		if (take_piece(worker->shared, &number, &piece))
			work_on(worker, number, piece);
		else
			wait_for_work(worker->shared);
	}
	for (i = 0; i < MOST_SEGMENTS; i++)
		if (worker->segment[i] != NULL)
			dsm_detach(worker->segment[i]);
}

/* ---- shared memory ---- */

static void *
new_segment(WorkerTeam *workers, Size size)
{
	TeamShared *shared = workers->shared;
	int			i;

	for (i = 0; i < shared->n_segments && shared->segment[i].size > 0; i++)
		;
	if (i == MOST_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("clustering with parallel workers needs more than %d segments of shared memory",
						MOST_SEGMENTS),
				 errhint("Set max_parallel_maintenance_workers to 0.")));
	workers->segment[i] = dsm_create(size, 0);
	shared->segment[i].handle = dsm_segment_handle(workers->segment[i]);
	shared->segment[i].address = dsm_segment_address(workers->segment[i]);
	shared->segment[i].size = size;
	shared->n_segments = Max(shared->n_segments, i + 1);
	return shared->segment[i].address;
}

static void *
new_small_array(WorkerTeam *workers, Size size)
{
	int			bits = 6;
	SmallArray *array;
	Size		taken;

	while (((Size) 1 << bits) < size)
		bits++;
	array = workers->free[bits];
	if (array != NULL)
	{
		workers->free[bits] = array->next_free;
		return array + 1;
	}
	taken = TYPEALIGN(PG_CACHE_LINE_SIZE, sizeof(SmallArray) + ((Size) 1 << bits));
	if (taken > workers->room_left)
	{
		workers->room = new_segment(workers, ROOM_SIZE);
		workers->room_left = ROOM_SIZE;
	}
	array = (SmallArray *) workers->room;
	array->bits = bits;
	workers->room += taken;
	workers->room_left -= taken;
	return array + 1;
}

static void *
resize(void *ctx, void *block, size_t size)
{
	Assert(block == NULL);
	segment_check_array_size(size);
	return size >= LARGE ? new_segment(ctx, size) : new_small_array(ctx, size);
}

static void
release(void *ctx, void *block)
{
	WorkerTeam *workers = ctx;
	TeamShared *shared = workers->shared;
	SmallArray *array = (SmallArray *) block - 1;
	int			i;

	/* a small one never lies at the start of a segment */
	for (i = 0; i < shared->n_segments; i++)
		if (shared->segment[i].size > 0 && shared->segment[i].address == block)
		{
			dsm_detach(workers->segment[i]);
			shared->segment[i].size = 0;
			return;
		}
	array->next_free = workers->free[array->bits];
	workers->free[array->bits] = array;
}

/*
 * Where shared memory is a file system, which may be small (as in a container), whether
 * there is room.
 */
static bool
has_room(Size bytes)
{
	struct statvfs shm;

	if (dynamic_shared_memory_type != DSM_IMPL_POSIX || statvfs("/dev/shm", &shm) != 0)
		return true;
	return (double) shm.f_bavail * shm.f_frsize > 1.25 * (double) bytes;
}

/* ---- begin and end ---- */

/*
 * As many as PostgreSQL would take to scan a table of that size, no more than there
 * are processors besides this one's, and none where sharing takes longer than
 * it saves.  min_parallel_table_scan_size = 0 asks for all there may be.
 */
static int
wanted_workers(Size bytes, double nanoseconds)
{
	double		threshold = (double) min_parallel_table_scan_size * BLCKSZ;
	long		processors = sysconf(_SC_NPROCESSORS_ONLN);
	int			n = 0;

	if (min_parallel_table_scan_size == 0)
		return max_parallel_maintenance_workers;
	for (; n < max_parallel_maintenance_workers && (double) bytes >= threshold; threshold *= 3)
		n++;
	if (processors > 0)
		n = Min(n, (int) processors - 1);
	return nanoseconds * n / (n + 1) > SHARING_COST * (double) bytes ? n : 0;
}

/*
 * Workers for a calculation on so many bytes that takes about so many nanoseconds
 * alone; NULL: it is better done alone, or there are none.
 */
WorkerTeam *
segment_workers_begin(Size bytes, double nanoseconds)
{
	int			n = wanted_workers(bytes, nanoseconds);
	ParallelContext *context;
	TeamShared *shared;
	WorkerTeam *workers;

	if (n <= 0 || IsParallelWorker() || !IsUnderPostmaster || !has_room(bytes))
		return NULL;
	EnterParallelMode();
	context = CreateParallelContext("$libdir/segment", "segment_worker_main", n);
	shm_toc_estimate_chunk(&context->estimator, sizeof(TeamShared));
	shm_toc_estimate_keys(&context->estimator, 1);
	InitializeParallelDSM(context);
	/* no shared memory, no workers */
	if (context->seg == NULL)
	{
		DestroyParallelContext(context);
		ExitParallelMode();
		return NULL;
	}
	shared = shm_toc_allocate(context->toc, sizeof(TeamShared));
	memset(shared, 0, sizeof(TeamShared));
	pg_atomic_init_u64(&shared->pieces, 0);
	pg_atomic_init_u32(&shared->done, 0);
	pg_atomic_init_u32(&shared->joined, 0);
	pg_atomic_init_u32(&shared->finished, 0);
	ConditionVariableInit(&shared->work);
	ConditionVariableInit(&shared->all_done);
	shm_toc_insert(context->toc, SHARED_KEY, shared);
	LaunchParallelWorkers(context);
	workers = palloc0(sizeof(WorkerTeam));
	workers->team.n_members = 1 + context->nworkers_launched;
	workers->team.run = run;
	workers->context = context;
	workers->shared = shared;
	if (context->nworkers_launched == 0)
	{
		segment_workers_end(workers);
		return NULL;
	}
	return workers;
}

/* NULL: no team. */
SegmentTeam *
segment_workers_team(WorkerTeam *workers)
{
	return workers == NULL ? NULL : &workers->team;
}

/*
 * Memory that the team shares, which lasts until its end; without a team, that of the
 * present context.
 */
SegmentMemory
segment_workers_memory(WorkerTeam *workers)
{
	SegmentMemory memory;

	if (workers == NULL)
		return segment_memory(CurrentMemoryContext);
	memory.resize = resize;
	memory.release = release;
	memory.ctx = workers;
	return memory;
}

void
segment_workers_end(WorkerTeam *workers)
{
	int			i;

	if (workers == NULL)
		return;
	pg_atomic_write_u32(&workers->shared->finished, 1);
	pg_memory_barrier();
	ConditionVariableBroadcast(&workers->shared->work);
	WaitForParallelWorkersToFinish(workers->context);
	for (i = 0; i < workers->shared->n_segments; i++)
		if (workers->shared->segment[i].size > 0)
			dsm_detach(workers->segment[i]);
	DestroyParallelContext(workers->context);
	ExitParallelMode();
	pfree(workers);
}
