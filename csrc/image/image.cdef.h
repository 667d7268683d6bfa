/* SPDX-License-Identifier: MIT */
/* A reader refuses bytes for one of these. */
enum crfd_error {
	CRFD_E_TYPE = -5001, /* a record type that does not belong here */
	CRFD_E_CRITICAL = -5002, /* an unknown critical extension */
	CRFD_E_LEN = -5003, /* payload length that the type cannot have */
	CRFD_E_PARENT = -5004, /* parent that the type cannot have here */
	CRFD_E_TRUNCATED = -5005, /* the image ends inside a record or before TAIL */
	CRFD_E_TRAILING = -5006, /* bytes after TAIL */
	CRFD_E_MAGIC = -5007,
	CRFD_E_BYTE_ORDER = -5008, /* a big-endian image */
	CRFD_E_REV = -5009, /* HEAD.rev that we cannot read */
	CRFD_E_COMM_LEN = -5010,
	CRFD_E_FD_ORDER = -5011, /* fds not strictly ascending, or negative */
	CRFD_E_OBJREF = -5012, /* objref that leaves a gap */
	CRFD_E_FD_TYPE = -5013,
	CRFD_E_NAME = -5014, /* FNAME without its only NUL at the end */
	CRFD_E_NFDS = -5015, /* count of FD_ENTs is not what FILES says */
	CRFD_E_TABLE = -5016, /* table objref that leaves a gap, or repeats with entries */
	CRFD_E_PADDING = -5017, /* padding that is not zero */
	CRFD_E_SECTION_SUM = -5018,
	CRFD_E_INDEX = -5019, /* the index does not describe the sections */
	CRFD_E_IMAGE_SUM = -5020,
	CRFD_E_FLAGS = -5021, /* HEAD.flags contradict the records */
	CRFD_E_FIELD = -5022, /* a field of an extension record out of its range */
	CRFD_E_PID = -5023, /* a pid that an earlier section has */
	CRFD_E_RFC = -5101 /* a descriptor that --format rfc cannot hold */
};

/* ---- objrefs ---- */

typedef struct crfd_objrefs crfd_objrefs;

crfd_objrefs *crfd_objrefs_new(void);
void crfd_objrefs_free(crfd_objrefs *t);
/*
 * Numbers the keys from 1 in order of first appearance: objref[i] of key[i], fresh[i] 1 where new; key 0 has 0. All or nothing.
 */
int crfd_objrefs_add(crfd_objrefs *t, const uint64_t *key, size_t n, uint32_t *objref, uint8_t *fresh);
/* Returns the objref of key, 0 when it has none. */
uint32_t crfd_objrefs_get(const crfd_objrefs *t, uint64_t key);
size_t crfd_objrefs_len(const crfd_objrefs *t);

/* A refusal names one descriptor that the 2008 records cannot hold. */
typedef struct {
	uint32_t pid;
	int32_t fd;
	uint32_t kind; /* enum crfd_kind */
	uint32_t why; /* enum crfd_rfc_why */
} crfd_rfc_refusal;

enum crfd_rfc_why { CRFD_RFC_KIND = 1, CRFD_RFC_DELETED = 2, CRFD_RFC_UNREAD = 3, CRFD_RFC_PATH = 4 };

/* Takes out of b what --format rfc cannot hold and returns their number; lossy 0: CRFD_E_RFC and *first, b untouched. */
int64_t crfd_batch_keep_rfc(crfd_batch *b, int lossy, crfd_rfc_refusal *first);

typedef struct crfd_encoder crfd_encoder;

/* Makes an encoder; rfc: of the fixed records alone. */
crfd_encoder *crfd_encoder_new(int rfc);
void crfd_encoder_free(crfd_encoder *e);
/* Appends HEAD and IMAGE_INFO, of this machine and now, to out. */
int crfd_encode_head(crfd_encoder *e, int backend, int image_flags, crfd_buf *out);
/*
 * Appends the tasks of b, those with err left out, until about `want` bytes more are in out; 1 while something of b
 * remains, 0 when b is done. After a failure the image cannot be continued.
 */
int crfd_encode_batch(crfd_encoder *e, const crfd_batch *b, const uint32_t *objref, const uint8_t *fresh,
		      size_t want, crfd_buf *out);
/* Appends a STILL record for n processes; before the tail. */
int crfd_encode_still(crfd_encoder *e, const crfd_still *still, size_t n, crfd_buf *out);
/* Appends LOCK_WAIT records; before the tail. */
int crfd_encode_lock_waits(crfd_encoder *e, const crfd_lock_wait *waits, size_t n, crfd_buf *out);
/* Appends HELD_OBJREF records for what the batches said of it; t numbered their descriptors; before the tail. */
int crfd_encode_held_objrefs(crfd_encoder *e, const crfd_objrefs *t, crfd_buf *out);
/* Appends INDEX, IMAGE_SUM and TAIL. */
int crfd_encode_tail(crfd_encoder *e, crfd_buf *out);

/* Totals of what an encoder has written or a parser has judged so far. */
typedef struct {
	uint64_t bytes, nfds;
	uint32_t ntasks, nobjrefs;
} crfd_image_stats;

void crfd_encoder_stats(const crfd_encoder *e, crfd_image_stats *out);

/* A fault says why bytes were refused, and where. */
typedef struct {
	int32_t code; /* enum crfd_error */
	int32_t type; /* of the record, 0 outside one */
	uint64_t offset; /* of the byte in the image */
	uint64_t expected, found;
} crfd_fault;

/* Puts the rule behind a code in words ("fds strictly ascending" ...); *hex says how to print expected and found. */
const char *crfd_fault_rule(int code, int *hex);

typedef struct {
	uint64_t offset; /* of the record header */
	int32_t type;
	int32_t len;
	uint32_t parent;
	uint32_t pad;
} crfd_record;

typedef struct crfd_parser crfd_parser;

crfd_parser *crfd_parser_new(void);
void crfd_parser_free(crfd_parser *p);
void crfd_parser_stats(const crfd_parser *p, crfd_image_stats *out);
/*
 * Checks the records in the n bytes that continue the image and lists up to cap of them in out (NULL: none kept);
 * *used bytes were consumed, the rest is an incomplete record to be fed again. last: nothing follows these bytes.
 * Returns the number of records, or the code of *fault.
 */
int64_t crfd_parser_feed(crfd_parser *p, const uint8_t *buf, size_t n, int last, crfd_record *out, size_t cap,
			 size_t *used, crfd_fault *fault);

typedef struct {
	uint32_t pid;
	int32_t fd;
	uint32_t objref; /* 0: could not be read */
	uint32_t close_on_exec;
} crfd_fd_row;

/* One open file description; row i is objref i, row 0 is all zero. Bits of `known` as in FD_STAT. */
typedef struct {
	uint64_t f_pos, f_version, dev, rdev, ino, size, blocks;
	uint64_t name_off; /* of the path in the image */
	uint64_t ext_off; /* of the first description record, header included */
	uint32_t ext_len; /* bytes of all of them */
	uint32_t name_len; /* NUL excluded */
	uint32_t f_flags, f_mode, f_uid, f_gid;
	uint32_t known, st_mode, nlink;
	int32_t mnt_id;
	uint16_t kind;
	uint8_t deleted;
	uint8_t pad[5];
} crfd_file_row;

typedef struct {
	uint64_t offset, length; /* of its section in the image */
	uint64_t first_fd; /* index of its first row among the descriptors */
	uint64_t ext_off; /* of the first task record */
	uint32_t ext_len;
	uint32_t nfds, files_objref;
	uint32_t first_objref, new_objrefs;
	crfd_task_rec rec;
	char comm[16];
	crfd_task_info info; /* pid always; the rest where TASK_INFO is there */
} crfd_task_row;

typedef struct {
	crfd_task_row *task;
	crfd_fd_row *fd;
	crfd_file_row *file;
	size_t ntasks, nfds, nfiles; /* nfiles counts row 0 */
	uint32_t file_base; /* objref of file[1] less 1: not 0 when one section was decoded */
	size_t task_alloc, fd_alloc, file_alloc;
} crfd_rows;

void crfd_rows_release(crfd_rows *r);
/* Decodes the image (at == NULL) or one section of it from buf, which holds the whole image, into r (zeroed). */
int crfd_rows_decode(crfd_rows *r, const uint8_t *buf, size_t n, const crfd_index_entry *at, crfd_fault *fault);

/* The index and the closing records are what an image says of itself as a whole. */
typedef struct {
	crfd_index_entry *entry; /* one a section, in order */
	size_t nentries, entry_alloc;
	crfd_buf closing; /* STILL and the like: the records about the image that are nothing to a reader's way through it */
} crfd_index;

void crfd_index_release(crfd_index *x);
/*
 * Finds the index from the end of a whole image, and judges every byte outside the sections: 1 and *x (zeroed before), 0
 * when the image has none (rfc; then its HEAD alone was judged), or the code of *fault.
 */
int crfd_index_read(crfd_index *x, const uint8_t *buf, size_t n, crfd_fault *fault);

/* Bytes of a damaged image that are in none of the sections that could be kept. */
typedef struct {
	uint64_t offset, end;
	uint32_t pid; /* of the section that begins there, as far as it says; 0 unknown */
	uint32_t pad;
} crfd_lost;

/* A salvage is what is left of a damaged image. */
typedef struct {
	crfd_buf image; /* a correct image of the sections that are whole */
	crfd_lost *lost;
	size_t nlost, lost_alloc;
	uint64_t nfds; /* descriptors in it whose description is lost: they could not be read, for EIO */
} crfd_salvage;

void crfd_salvage_release(crfd_salvage *s);
/*
 * Makes an image of what is whole in a damaged one, into *s (zeroed). 0, -ENOMEM, or the code of *fault where its first two records
 * are not whole, or it has no sums that say what is.
 */
int crfd_salvage_read(crfd_salvage *s, const uint8_t *buf, size_t n, crfd_fault *fault);
