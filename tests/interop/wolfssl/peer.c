/* SAKKE and ECCSI by wolfSSL, for the tests: a request is a line of a verb and hexadecimal words,
 * its reply "ok" with hexadecimal words, or "no" with wolfSSL's error. "-" is no octets. */
#include <wolfssl/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/eccsi.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sakke.h>

#define WORDS 6
#define MOST 4096

struct octets {
    byte at[MOST];
    word32 length;
};

static WC_RNG rng;
static struct octets in[WORDS];
static struct octets out[2];

/* Leaves the function with wolfSSL's error, the resources to whoever ends the request. */
#define TRY(call) do { int error_ = (call); if (error_ != 0) return error_; } while (0)

/* --- SAKKE; the caller has initialised the key. ------------------------------------------- */

static int master(SakkeKey* key, const struct octets* z) {
    return wc_ImportSakkePrivateKey(key, z->at, z->length);
}

static int public_key(SakkeKey* key, const struct octets* z) {
    return wc_ImportSakkePublicKey(key, z->at, z->length, 0);
}

/* z -> Z */
static int sakke_public(SakkeKey* key, ecc_point* point) {
    TRY(master(key, &in[0]));
    TRY(wc_MakeSakkePublicKey(key, point));
    return wc_EncodeSakkeRsk(key, point, out[0].at, &out[0].length, 0);
}

/* z, identifier -> RSK */
static int sakke_rsk(SakkeKey* key, ecc_point* point) {
    TRY(master(key, &in[0]));
    TRY(wc_MakeSakkeRsk(key, in[1].at, (word16)in[1].length, point));
    return wc_EncodeSakkeRsk(key, point, out[0].at, &out[0].length, 0);
}

/* Z, identifier, RSK -> 01 or 00 */
static int sakke_validate(SakkeKey* key, ecc_point* point) {
    int valid = 0;
    TRY(public_key(key, &in[0]));
    TRY(wc_DecodeSakkeRsk(key, in[2].at, in[2].length, point));
    TRY(wc_ValidateSakkeRsk(key, in[1].at, (word16)in[1].length, point, &valid));
    out[0].at[0] = (byte)valid;
    out[0].length = 1;
    return 0;
}

/* Z, identifier, SSV -> Encapsulated Data, which wolfSSL gives in two parts */
static int sakke_encapsulate(SakkeKey* key, ecc_point* point) {
    word16 length = MOST;
    (void)point;
    TRY(public_key(key, &in[0]));
    TRY(wc_SetSakkeIdentity(key, in[1].at, (word16)in[1].length));
    TRY(wc_MakeSakkeEncapsulatedSSV(key, WC_HASH_TYPE_SHA256, in[2].at, (word16)in[2].length,
                                    out[0].at, &length));
    memcpy(out[0].at + length, in[2].at, in[2].length);
    out[0].length = length + in[2].length;
    return 0;
}

/* Z, identifier, RSK, Encapsulated Data -> SSV */
static int sakke_decapsulate(SakkeKey* key, ecc_point* point) {
    word16 length;
    TRY(public_key(key, &in[0]));
    TRY(wc_DecodeSakkeRsk(key, in[2].at, in[2].length, point));
    TRY(wc_SetSakkeRsk(key, point, NULL, 0));
    TRY(wc_SetSakkeIdentity(key, in[1].at, (word16)in[1].length));
    TRY(wc_GetSakkeAuthSize(key, &length));
    if (in[3].length < length) return BUFFER_E;
    out[0].length = in[3].length - length;
    memcpy(out[0].at, in[3].at + length, out[0].length);
    return wc_DeriveSakkeSSV(key, WC_HASH_TYPE_SHA256, out[0].at, (word16)out[0].length,
                             in[3].at, length);
}

/* --- ECCSI -------------------------------------------------------------------------------- */

static int hash_identity(EccsiKey* key, ecc_point* pvt) {
    byte hash[WC_MAX_DIGEST_SIZE];
    byte length = sizeof hash;
    TRY(wc_HashEccsiId(key, WC_HASH_TYPE_SHA256, in[1].at, in[1].length, pvt, hash, &length));
    return wc_SetEccsiHash(key, hash, length);
}

/* KSAK || KPAK, identifier -> SSK, PVT */
static int eccsi_pair(EccsiKey* key, mp_int* ssk, ecc_point* pvt) {
    TRY(wc_ImportEccsiKey(key, in[0].at, in[0].length));
    TRY(wc_MakeEccsiPair(key, &rng, WC_HASH_TYPE_SHA256, in[1].at, in[1].length, ssk, pvt));
    TRY(wc_EncodeEccsiSsk(key, ssk, out[0].at, &out[0].length));
    return wc_EncodeEccsiPvt(key, pvt, out[1].at, &out[1].length, 0);
}

/* KPAK, identifier, SSK, PVT -> 01 or 00 */
static int eccsi_validate(EccsiKey* key, mp_int* ssk, ecc_point* pvt) {
    int valid = 0;
    TRY(wc_ImportEccsiPublicKey(key, in[0].at, in[0].length, 0));
    TRY(wc_DecodeEccsiSsk(key, in[2].at, in[2].length, ssk));
    TRY(wc_DecodeEccsiPvt(key, in[3].at, in[3].length, pvt));
    TRY(wc_ValidateEccsiPair(key, WC_HASH_TYPE_SHA256, in[1].at, in[1].length, ssk, pvt, &valid));
    out[0].at[0] = (byte)valid;
    out[0].length = 1;
    return 0;
}

/* KPAK, identifier, SSK, PVT, message -> signature */
static int eccsi_sign(EccsiKey* key, mp_int* ssk, ecc_point* pvt) {
    TRY(wc_ImportEccsiPublicKey(key, in[0].at, in[0].length, 0));
    TRY(wc_DecodeEccsiSsk(key, in[2].at, in[2].length, ssk));
    TRY(wc_DecodeEccsiPvt(key, in[3].at, in[3].length, pvt));
    TRY(hash_identity(key, pvt));
    TRY(wc_SetEccsiPair(key, ssk, pvt));
    return wc_SignEccsiHash(key, &rng, WC_HASH_TYPE_SHA256, in[4].at, in[4].length, out[0].at,
                            &out[0].length);
}

/* KPAK, identifier, message, signature -> 01 or 00 */
static int eccsi_verify(EccsiKey* key, mp_int* ssk, ecc_point* pvt) {
    int valid = 0;
    (void)ssk;
    TRY(wc_ImportEccsiPublicKey(key, in[0].at, in[0].length, 0));
    TRY(wc_DecodeEccsiPvtFromSig(key, in[3].at, in[3].length, pvt));
    TRY(hash_identity(key, pvt));
    TRY(wc_VerifyEccsiHash(key, WC_HASH_TYPE_SHA256, in[2].at, in[2].length, in[3].at,
                           in[3].length, &valid));
    out[0].at[0] = (byte)valid;
    out[0].length = 1;
    return 0;
}

/* --- The lines ---------------------------------------------------------------------------- */

static int run_sakke(int (*request)(SakkeKey*, ecc_point*)) {
    SakkeKey key;
    ecc_point* point = wc_ecc_new_point();
    int error = point == NULL ? MEMORY_E : wc_InitSakkeKey(&key, NULL, INVALID_DEVID);
    if (error == 0) {
        error = request(&key, point);
        wc_FreeSakkeKey(&key);
    }
    wc_ecc_del_point(point);
    return error;
}

static int run_eccsi(int (*request)(EccsiKey*, mp_int*, ecc_point*)) {
    EccsiKey key;
    mp_int ssk;
    ecc_point* pvt = wc_ecc_new_point();
    int error = pvt == NULL ? MEMORY_E : mp_init(&ssk);
    if (error == 0) error = wc_InitEccsiKey(&key, NULL, INVALID_DEVID);
    if (error == 0) {
        error = request(&key, &ssk, pvt);
        wc_FreeEccsiKey(&key);
    }
    mp_forcezero(&ssk);
    wc_ecc_del_point(pvt);
    return error;
}

static int run(const char* verb) {
    if (!strcmp(verb, "sakke-public")) return run_sakke(sakke_public);
    if (!strcmp(verb, "sakke-rsk")) return run_sakke(sakke_rsk);
    if (!strcmp(verb, "sakke-validate")) return run_sakke(sakke_validate);
    if (!strcmp(verb, "sakke-encapsulate")) return run_sakke(sakke_encapsulate);
    if (!strcmp(verb, "sakke-decapsulate")) return run_sakke(sakke_decapsulate);
    if (!strcmp(verb, "eccsi-pair")) return run_eccsi(eccsi_pair);
    if (!strcmp(verb, "eccsi-validate")) return run_eccsi(eccsi_validate);
    if (!strcmp(verb, "eccsi-sign")) return run_eccsi(eccsi_sign);
    if (!strcmp(verb, "eccsi-verify")) return run_eccsi(eccsi_verify);
    return BAD_FUNC_ARG;
}

static void read_hex(const char* word, struct octets* to) {
    size_t length = strcmp(word, "-") ? strlen(word) / 2 : 0;
    if (length > MOST) exit(2);
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        if (sscanf(word + 2 * i, "%2x", &value) != 1) exit(2);
        to->at[i] = (byte)value;
    }
    to->length = (word32)length;
}

int main(void) {
    static char line[2 * WORDS * MOST];
    if (wc_InitRng(&rng) != 0) return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char* verb = strtok(line, " \n");
        const char* word;
        int count = 0;
        out[0].length = MOST;
        out[1].length = 0;
        if (verb != NULL && !strcmp(verb, "eccsi-pair")) out[1].length = MOST;
        while (count < WORDS && (word = strtok(NULL, " \n")) != NULL) read_hex(word, &in[count++]);
        int error = verb == NULL ? BAD_FUNC_ARG : run(verb);
        if (error != 0) {
            printf("no %d\n", error);
        } else {
            printf("ok");
            for (int i = 0; i < 2; i++) {
                if (out[i].length > 0) printf(" ");
                for (word32 j = 0; j < out[i].length; j++) printf("%02x", out[i].at[j]);
            }
            printf("\n");
        }
        fflush(stdout);
    }
    wc_FreeRng(&rng);
    return 0;
}
