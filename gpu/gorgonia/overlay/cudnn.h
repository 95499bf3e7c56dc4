// First on the include path before the vendor's cudnn.h, so that gorgonia.org/cu/dnn v0.9.6, which was written for
// cuDNN 7 and 8, compiles unmodified against cuDNN 9. That release dropped four types and ten functions, of algorithm
// descriptors and of recurrent networks. The types are declared here again; the functions answer
// CUDNN_STATUS_NOT_SUPPORTED. Nothing in this project calls them.
#ifndef CONTIG_OVERLAY_CUDNN_H
#define CONTIG_OVERLAY_CUDNN_H
#include_next <cudnn.h>

#if CUDNN_MAJOR >= 9

typedef struct contig_dropped_algorithm *cudnnAlgorithmDescriptor_t;
typedef struct contig_dropped_performance *cudnnAlgorithmPerformance_t;
typedef struct contig_dropped_plan *cudnnPersistentRNNPlan_t;
typedef struct {
    union Algorithm {
        cudnnConvolutionFwdAlgo_t convFwdAlgo;
        cudnnConvolutionBwdFilterAlgo_t convBwdFilterAlgo;
        cudnnConvolutionBwdDataAlgo_t convBwdDataAlgo;
        cudnnRNNAlgo_t RNNAlgo;
        cudnnCTCLossAlgo_t CTCLossAlgo;
    } algo;
} cudnnAlgorithm_t;

// CONTIG_DROPPED declares a function that cuDNN 9 no longer has.
#define CONTIG_DROPPED(name, parameters)                                                                               \
    static inline cudnnStatus_t name parameters { return CUDNN_STATUS_NOT_SUPPORTED; }

CONTIG_DROPPED(cudnnCreateAlgorithmDescriptor, (cudnnAlgorithmDescriptor_t * d))
CONTIG_DROPPED(cudnnSetAlgorithmDescriptor, (cudnnAlgorithmDescriptor_t d, cudnnAlgorithm_t a))
CONTIG_DROPPED(cudnnDestroyAlgorithmDescriptor, (cudnnAlgorithmDescriptor_t d))
CONTIG_DROPPED(cudnnCreateAlgorithmPerformance, (cudnnAlgorithmPerformance_t * p, int n))
CONTIG_DROPPED(cudnnSetAlgorithmPerformance,
               (cudnnAlgorithmPerformance_t p, cudnnAlgorithmDescriptor_t d, cudnnStatus_t s, float time, size_t bytes))
CONTIG_DROPPED(cudnnDestroyAlgorithmPerformance, (cudnnAlgorithmPerformance_t * p, int n))
CONTIG_DROPPED(cudnnCreatePersistentRNNPlan, (cudnnRNNDescriptor_t d, int batch, cudnnDataType_t t, cudnnPersistentRNNPlan_t *p))
CONTIG_DROPPED(cudnnSetPersistentRNNPlan, (cudnnRNNDescriptor_t d, cudnnPersistentRNNPlan_t p))
CONTIG_DROPPED(cudnnDestroyPersistentRNNPlan, (cudnnPersistentRNNPlan_t p))
CONTIG_DROPPED(cudnnSetRNNMatrixMathType, (cudnnRNNDescriptor_t d, cudnnMathType_t t))
#undef CONTIG_DROPPED

#endif
#endif
